"""The command `tagkeras.export`: from a workdir to a version of a SavedModel."""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import read_tag_list
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import FILE_NAME, Vocabulary
from tagkeras.export import validation, warmup
from tagkeras.export.config import Config
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.export.index import answerable_rows, make_ivf_index
from tagkeras.export.requests import GraphBatching
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel
from tagkeras.retrieval import ExactTopK, TopK
from tagkeras.retrieval.cells import check_installed
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

PROVENANCE = Path("assets.extra") / "tagkeras.json"
_MASKED = "masked"


def export(config: Config) -> Path:
    """Exports and returns the folder of the version.

    Raises:
        UserError: no checkpoint, another dataset, a version that exists, or posts that do not fit.
    """
    config.check()
    if config.index == "ivf":
        check_installed()
    workdir, dataset = Workdir(config.workdir), Path(config.data)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    kept_ids = _allowed_ids(vocabulary, config.block_list)
    k = _choose_k(config.top_k, len(vocabulary), len(kept_ids))
    target = _choose_target(Path(config.output), config.version)
    descriptor_size = manifest.descriptor_size if manifest.cnn is None else None
    if config.warmup_posts:
        requests = warmup.requests_of_posts(
            Path(config.warmup_posts), descriptor_size, manifest.facts.facts
        )
    else:
        requests = warmup.generated_requests(descriptor_size, manifest.facts.facts)
    descriptor_model = None if manifest.cnn is None else DescriptorModel.load(dataset / FOLDER)
    index: TopK
    about_index: dict[str, Any] = {"name": "exact"}
    if config.index == "exact":
        index = ExactTopK(answerable_rows(model, kept_ids), k)
    else:
        index, about_index = make_ivf_index(
            model,
            kept_ids,
            k,
            dataset,
            manifest,
            recall_target=config.recall_target or 0.99,
            num_cells=config.index_cells,
            num_posts=config.index_posts or 2000,
        )
    answerable = vocabulary.keep(kept_ids)
    with tempfile.TemporaryDirectory() as scratch, files.written_aside(target) as aside:
        vocabulary_path = Path(scratch) / FILE_NAME
        answerable.save(vocabulary_path)
        ranker = HashtagRanker(
            model.embedding,
            index,
            manifest,
            str(vocabulary_path),
            descriptor_model,
            batching=_batching(config),
        )
        signatures = ranker.signatures()
        tf.saved_model.save(ranker.resources(), str(aside), signatures=signatures)
        _name_classify_method(aside)
        inputs = {
            name: [spec.name for spec in signature.input_signature]
            for name, signature in signatures.items()
        }
        warmup.write(aside, requests, inputs)
        provenance = {
            "export": dataclasses.asdict(config),
            "index": about_index,
            "workdir": workdir.config(),
            "epoch": workdir.best_epoch(),
            "facts": _describe_facts(manifest),
            "dataset": dataclasses.asdict(manifest),
        }
        (aside / PROVENANCE).write_text(json.dumps(provenance, indent=2), encoding="utf-8")
        trained = validation.TrainedModel(model, descriptor_model, ranker.user_descriptor, kept_ids)
        validation.validate(aside, answerable.tags, trained, index)
    return target


def main(config: Config) -> None:
    """Exports and says where to."""
    target = export(config)
    if config.block_list is not None:
        vocabulary = Workdir(config.workdir).vocabulary()
        num_left = len(_allowed_ids(vocabulary, config.block_list))
        print(f"{len(vocabulary) - num_left} of {len(vocabulary)} hashtags are never answered")
    provenance = json.loads((target / PROVENANCE).read_text(encoding="utf-8"))
    if masked := [n for n, words in provenance["facts"].items() if words.endswith(_MASKED)]:
        print(f"training posts do not differ in {', '.join(masked)}: telling it changes no answer")
    index = provenance["index"]
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


def _allowed_ids(vocabulary: Vocabulary, block_list: str | None) -> list[int]:
    """Ids of the hashtags that are not on a block list, in order."""
    if block_list is None:
        return list(range(len(vocabulary)))
    blocked = read_tag_list(block_list, "block_list")
    ids = [tag_id for tag, tag_id in vocabulary.ids.items() if tag not in blocked]
    if not ids:
        raise UserError(f"--block_list={block_list}: no hashtag of the vocabulary is left")
    return ids


def _choose_k(top_k: int | None, num_tags: int, num_left: int) -> int:
    if top_k is not None and top_k > num_left:
        rest = "" if num_left == num_tags else f", {num_left} of them not blocked"
        raise UserError(f"--top_k={top_k}: the vocabulary has {num_tags} tags{rest}")
    return top_k or min(10, num_left)


def _describe_facts(manifest: Manifest) -> dict[str, str]:
    """What the model knows of each fact: its kind, how many values it tells apart, the masks."""
    described = {}
    for fact in manifest.facts.facts:
        words = "text" if fact.is_text else "number"
        if fact.name in manifest.facts.values:
            words = f"{len(manifest.facts.values[fact.name])} values"
        masked = fact not in manifest.telling_facts
        described[fact.name] = f"{words}, {_MASKED}" if masked else words
    return described


def _choose_target(base: Path, version: int | None) -> Path:
    """The folder of a new version, by default one more than the highest in a base folder."""
    versions = [int(path.name) for path in base.glob("*") if path.name.isdecimal()]
    target = base / str(version or max(versions, default=0) + 1)
    if target.exists():
        raise UserError(f"{target} exists: a version is never overwritten, choose another")
    return target


def _batching(config: Config) -> GraphBatching | None:
    if config.max_batch_size is None:
        return None
    return GraphBatching(
        max_batch_size=config.max_batch_size,
        timeout_micros=config.batch_timeout_micros or 0,
        num_threads=config.num_batch_threads or 1,
    )


def _name_classify_method(saved_model: Path) -> None:
    """Gives the signature the method name that a server may check Classify requests against."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(saved_model))
    updater.replace_method_name(
        signature_key="classify",
        method_name=tf.compat.v1.saved_model.signature_constants.CLASSIFY_METHOD_NAME,
        tags="serve",
    )
    updater.save()
