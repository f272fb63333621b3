"""Exports a trained model as a SavedModel that the stock TensorFlow Serving answers from.

    python -m tagkeras.export --workdir=WORKDIR --data=DATASET --output=BASE

writes BASE/<version>/, which takes image bytes and what is known of a user, and gives hashtags.
The export is written aside, reloaded, compared with the model that was trained, and only then
renamed to its version; a version is never overwritten.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras import files
from tagkeras.cnn.descriptor_model import FOLDER, DescriptorModel
from tagkeras.commandline import option, run
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError
from tagkeras.exporting import warmup
from tagkeras.exporting.hashtag_ranker import HashtagRanker
from tagkeras.training.restore import restore_model
from tagkeras.training.workdir import Workdir

TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
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
    warmup_posts: str | None = option(
        None, help="JSON Lines file of posts to warm servers up with; by default generated images"
    )


def export(config: Config) -> Path:
    """Exports and returns the folder of the version.

    Raises:
        UserError: no checkpoint, another dataset, a version that exists, or posts that do not fit.
    """
    workdir, dataset, base = Workdir(config.workdir), Path(config.data), Path(config.output)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    if config.top_k is not None and config.top_k > len(vocabulary):
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags")
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
    ranker = HashtagRanker(
        model,
        manifest,
        str(workdir.path / "vocabulary.tsv"),
        DescriptorModel.load(dataset / FOLDER) if has_images else None,
        config.top_k or min(10, len(vocabulary)),
    )
    with files.written_aside(target) as aside:
        signatures = ranker.signatures()
        tf.saved_model.save(ranker.resources(), str(aside), signatures=signatures)
        _name_classify_method(aside)
        warmup.write(aside, requests)
        provenance = {
            "workdir": workdir.config(),
            "epoch": workdir.best_epoch(),
            "dataset": dataclasses.asdict(manifest),
        }
        (aside / "assets.extra" / "tagkeras.json").write_text(json.dumps(provenance, indent=2))
        _validate(aside, signatures, requests)
    return target


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


def _validate(
    saved_model: Path,
    signatures: dict[str, tf.types.experimental.ConcreteFunction],
    requests: list[warmup.Request],
) -> None:
    """Compares the answers of the reloaded export with those of the model in memory.

    Raises:
        RuntimeError: they differ; the export is not published.
    """
    reloaded = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    for request in requests:
        expected, answer = signatures["serving_default"](**request), reloaded(**request)
        same = (expected["hashtags"].numpy() == answer["hashtags"].numpy()).all()
        apart = np.abs(expected["scores"].numpy() - answer["scores"].numpy()).max()
        if not (same and apart <= TOLERANCE):
            raise RuntimeError(f"{saved_model}: the export answers otherwise than the model")


def main(config: Config) -> None:
    """Exports and says where to."""
    target = export(config)
    print(f"wrote {target}, answers checked; serve it with")
    print(
        f"  python -m serving.server --model_name=NAME --model_base_path={target.parent.resolve()}"
    )


if __name__ == "__main__":
    run(main, Config)
