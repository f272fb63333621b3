"""Exports a trained model as a SavedModel that the stock TensorFlow Serving answers from.

    python -m tagkeras.export --workdir=WORKDIR --data=DATASET --output=BASE

writes BASE/<version>/, which takes image bytes and what is known of a user, and gives hashtags.
The export is written aside, loaded as servers do, compared with the model that was trained, and
only then renamed to its version; a version is never overwritten.
"""

import dataclasses
import json
import tempfile
from pathlib import Path

import tensorflow as tf

from tagkeras.cli import files
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import read_tag_list
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import FILE_NAME, Vocabulary
from tagkeras.export import validation, warmup
from tagkeras.export.batching_flags import BatchingFlags
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.export.index_flags import IndexFlags
from tagkeras.export.make_index import exact_index, ivf_index
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel
from tagkeras.train.restore import restore_model
from tagkeras.train.workdir import Workdir

PROVENANCE = Path("assets.extra") / "tagkeras.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(BatchingFlags, IndexFlags):
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is exported")
    data: str = option(help="dataset folder of the run; its descriptor model becomes part")
    output: str = option(help="base folder of the model's versions")
    version: int | None = option(
        None, help="number of the version; by default one more than the last", minimum=1
    )
    top_k: int | None = option(
        None, help="hashtags in an answer; by default 10, or all of a smaller vocabulary", minimum=1
    )
    block_list: str | None = option(
        None, help="text file of hashtags, one a line, that are never to be answered"
    )
    warmup_posts: str | None = option(
        None, help="JSON Lines file of posts to warm servers up with; by default generated images"
    )


def export(config: Config) -> Path:
    """Exports and returns the folder of the version.

    Raises:
        UserError: no checkpoint, another dataset, a version that exists, or posts that do not fit.
    """
    workdir, dataset, base = Workdir(config.workdir), Path(config.data), Path(config.output)
    batching, ivf = config.batching(), config.ivf()
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    kept_ids = allowed_ids(vocabulary, config.block_list)
    num_tags = len(kept_ids)
    if config.top_k is not None and config.top_k > num_tags:
        rest = "" if num_tags == len(vocabulary) else f", {num_tags} of them not blocked"
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags{rest}")
    target = base / str(config.version or next_version(base))
    if target.exists():
        raise UserError(f"{target} exists: a version is never overwritten, choose another")
    has_images = manifest.cnn is not None
    descriptor_size = None if has_images else manifest.descriptor_size
    requests = (
        warmup.requests_of_posts(Path(config.warmup_posts), descriptor_size)
        if config.warmup_posts
        else warmup.generated_requests(descriptor_size)
    )
    descriptor_model = DescriptorModel.load(dataset / FOLDER) if has_images else None
    k = config.top_k or min(10, num_tags)
    made = (
        exact_index(model, kept_ids)
        if ivf is None
        else ivf_index(model, kept_ids, k, dataset, manifest, ivf)
    )
    answerable = vocabulary.keep(kept_ids)
    with tempfile.TemporaryDirectory() as scratch, files.written_aside(target) as aside:
        vocabulary_path = Path(scratch) / FILE_NAME
        answerable.save(vocabulary_path)
        ranker = HashtagRanker(
            model.embedding,
            made.index,
            manifest,
            str(vocabulary_path),
            descriptor_model,
            k,
            batching=batching,
        )
        tf.saved_model.save(ranker.resources(), str(aside), signatures=ranker.signatures())
        _name_classify_method(aside)
        warmup.write(aside, requests)
        provenance = {
            "export": dataclasses.asdict(config),
            "index": made.facts,
            "workdir": workdir.config(),
            "epoch": workdir.best_epoch(),
            "dataset": dataclasses.asdict(manifest),
        }
        (aside / PROVENANCE).write_text(json.dumps(provenance, indent=2), encoding="utf-8")
        trained = validation.TrainedModel(model, descriptor_model, ranker.user_descriptor, kept_ids)
        validation.validate(aside, answerable.tags, trained, made.index)
    return target


def allowed_ids(vocabulary: Vocabulary, block_list: str | None) -> list[int]:
    """Ids of the hashtags that are not on a block list, in order.

    Raises:
        UserError: the list cannot be read, or leaves nothing.
    """
    if block_list is None:
        return list(range(len(vocabulary)))
    blocked = read_tag_list(block_list, "block_list")
    ids = [tag_id for tag, tag_id in vocabulary.ids.items() if tag not in blocked]
    if not ids:
        raise UserError(f"--block_list={block_list}: no hashtag of the vocabulary is left")
    return ids


def next_version(base: Path) -> int:
    """One more than the highest version in a base folder; 1 for an empty or missing one."""
    versions = [int(path.name) for path in base.glob("*") if path.name.isdecimal()]
    return max(versions, default=0) + 1


def _name_classify_method(saved_model: Path) -> None:
    """Gives the signature the method name that a server may check Classify requests against."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(saved_model))
    updater.replace_method_name(
        signature_key="classify",
        method_name=tf.compat.v1.saved_model.signature_constants.CLASSIFY_METHOD_NAME,
        tags="serve",
    )
    updater.save()


def main(config: Config) -> None:
    """Exports and says where to."""
    target = export(config)
    if config.block_list is not None:
        vocabulary = Workdir(config.workdir).vocabulary()
        num_left = len(allowed_ids(vocabulary, config.block_list))
        print(f"{len(vocabulary) - num_left} of {len(vocabulary)} hashtags are never answered")
    index = json.loads((target / PROVENANCE).read_text(encoding="utf-8"))["index"]
    if index["name"] == "ivf":
        print(
            f"index of {index['cells']:,} cells, {index['probes']} looked into: recall@{index['k']}"
            f" {index['recall']:.4f} (at least {index['lower']:.4f} with 95% confidence) on"
            f" {index['validation_posts']:,} validation posts, {index['scored']:.2%} of the"
            " hashtags scored"
        )
    print(f"wrote {target}, answers checked; serve it with")
    print(
        f"  python -m serving.server --model_name=NAME --model_base_path={target.parent.resolve()}"
    )


if __name__ == "__main__":
    run(main, Config)
