"""Compares the files of a dataset with its manifest and with each other."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import pydantic
import tensorflow as tf

from beam.inspect.scan import Scan, find_files, printable
from beam.preprocess.make_manifest import histogram
from beam.preprocess.shards import NO_TAG_LEFT
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import Facts
from tagkeras.data.manifest import FILE_NAME, SPLITS, Manifest
from tagkeras.data.posts_file import parse_json_line
from tagkeras.data.record_checks import REMEDY
from tagkeras.data.vocabulary import FILE_NAME as VOCABULARY
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel

ValueT = TypeVar("ValueT")


def inspect(dataset: str, num_samples: int) -> tuple[Scan, Vocabulary | None, list[str]]:
    """Reads all of a dataset and verifies it.

    Args:
        dataset: folder, local or a URI.
        num_samples: posts to keep of each split, at most.

    Returns:
        The contents of the shards, the vocabulary unless it cannot be read, and all problems, a
        line each.

    Raises:
        UserError: there is no dataset, or its manifest cannot be read.
    """
    path = storage.join(dataset, FILE_NAME)
    manifest = _load(path, lambda local: Manifest.load(local.parent))
    try:
        _Manifest.model_validate(manifest)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place, words = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise UserError(f"{path}: {printable(f'{place}: {words}')}: {REMEDY}") from error
    try:
        vocabulary = _load(storage.join(dataset, VOCABULARY), Vocabulary.load)
        unreadable = []
    except UserError as error:
        vocabulary, unreadable = None, [f"{error}; {REMEDY}"]
    scan = Scan(dataset, manifest, num_samples)
    found = itertools.chain(
        _check_counts(dataset, scan),
        _check_vocabulary(dataset, vocabulary, scan) if vocabulary else (),
        _check_rejected(dataset, manifest),
        _check_descriptor_model(dataset, manifest),
    )
    problems = [*unreadable, *scan.problems, *(f"{problem}: {REMEDY}" for problem in found)]
    return scan, vocabulary, problems


# Sums of some of them stay far below 2^63.
_Count = Annotated[int, pydantic.Field(ge=0, lt=2**40)]
_Size = Annotated[int, pydantic.Field(gt=0, lt=2**31)]
_Counts = dict[str, _Count]
_Split = Literal["train", "validation", "test"]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, from_attributes=True)


class _SplitCounts(_Part):
    posts: _Count
    shards: _Count
    tag_pairs: _Count
    tag_pairs_removed: _Count
    out_of_vocabulary: _Count


class _PostCounts(_Part):
    posts_read: _Count
    posts_written: _Count
    rejected: _Counts
    dropped: _Counts


class _Distribution(_Part):
    name: Literal["natural", "balanced"]
    target: float = np.inf
    tags_by_training_posts: dict[Literal["natural", "balanced"], _Counts] = {}


def _check_facts(values: dict[str, Any]) -> dict[str, Any]:
    try:
        facts = Facts.from_dict(values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not facts of users: {error!r}") from error
    if facts.size != values.get("size"):
        raise ValueError(f"the size of these facts is {facts.size}")
    return values


class _Manifest(_Part):
    """The fields of `dataset.json` that the checks rely on."""

    descriptor_size: _Size
    descriptor_dtype: Literal["float16", "float32"]
    num_tags: _Size
    splits: Annotated[dict[_Split, _SplitCounts], pydantic.Field(min_length=3)]
    user_descriptor: Annotated[dict[str, Any], pydantic.AfterValidator(_check_facts)]
    cnn: dict[str, Any] | None
    distribution: _Distribution
    privacy: dict[str, Any]
    counts: _PostCounts
    versions: dict[str, Any]


def _load(path: str, load: Callable[[Path], ValueT]) -> ValueT:
    """Applies `load` to a local copy of a file; errors name the file itself.

    Raises:
        UserError: `load` raised one, or the file cannot be read.
    """
    try:
        with storage.reading(path) as local:
            try:
                return load(local)
            except UserError as error:
                raise UserError(str(error).replace(str(local), path)) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or storage.explain(error)}: {REMEDY}") from error


def _check_counts(dataset: str, scan: Scan) -> Iterator[str]:
    """Counts of the manifest that do not add up, or are not those of the shards.

    A split that could not be read to its end is left out: that is a problem already.
    """
    path, counts = storage.join(dataset, FILE_NAME), scan.manifest.counts
    read, written = counts["posts_read"], counts["posts_written"]
    rejected, dropped = sum(counts["rejected"].values()), sum(counts["dropped"].values())
    if read != written + rejected + dropped:
        parts = f"{written:,} written + {rejected:,} rejected + {dropped:,} dropped"
        yield f"{path}: {read:,} posts read are not {parts}"
    in_splits = sum(split["posts"] for split in scan.manifest.splits.values())
    if written != in_splits:
        yield f"{path}: {written:,} posts written, but its splits have {in_splits:,}"
    for split in (split for split in SPLITS if split in scan.whole):
        for name, found in scan.counts[split].items():
            expected = scan.manifest.splits[split][name]
            if found != expected:
                words = f"{found:,} {name.replace('_', ' ')}, but dataset.json says {expected:,}"
                yield f"{storage.join(dataset, split)}: {words}"


def _check_vocabulary(dataset: str, vocabulary: Vocabulary, scan: Scan) -> Iterator[str]:
    """Counts of `vocabulary.tsv` that are not those of the training posts."""
    path, manifest, counts = storage.join(dataset, VOCABULARY), scan.manifest, vocabulary.counts
    if len(vocabulary) != manifest.num_tags:
        yield f"{path}: {len(vocabulary):,} hashtags, but dataset.json says {manifest.num_tags:,}"
        return
    if "train" not in scan.whole:
        return
    # Balancing drops the posts that no tag is left of, after the vocabulary counted them, and takes
    # only tags off that are more frequent than its target.
    dropped = manifest.counts["dropped"].get(NO_TAG_LEFT, 0)
    found = scan.kept + scan.removed
    most = np.where(counts > manifest.distribution.get("target", np.inf), dropped, 0)
    wrong = np.flatnonzero((counts < found) | (counts > found + most))
    if wrong.size:
        tag = wrong[0]
        first = (
            f"{printable(vocabulary.tags[tag])}, {counts[tag]:,}, which {found[tag]:,} posts have"
        )
        words = "counts are not those of the training posts, the first that of"
        yield f"{path}: {wrong.size:,} {words} {first}"
    histograms = manifest.distribution.get("tags_by_training_posts", {})
    for name, of_tags in (("natural", counts), ("balanced", scan.kept)):
        if name in histograms and histograms[name] != histogram(of_tags):
            words = f"the {name} histogram of hashtags is not that of the training posts"
            yield f"{storage.join(dataset, FILE_NAME)}: {words}"


def _check_rejected(dataset: str, manifest: Manifest) -> Iterator[str]:
    """Lines of `rejected/` that cannot be read, and reasons that are not counted so."""
    folder = storage.join(dataset, "rejected")
    reasons: Counter[str] = Counter()
    for path in find_files(folder, "*.jsonl"):
        try:
            rows = [parse_json_line(x) for x in _load(path, Path.read_bytes).splitlines()]
        except UserError as error:
            yield str(error).removesuffix(f": {REMEDY}")
            continue
        bad = []
        for number, row in enumerate(rows, 1):
            if isinstance(row, dict) and isinstance(row.get("reason"), str):
                reasons[row["reason"]] += 1
            else:
                bad.append(f"line {number:,}: {row if isinstance(row, str) else 'no reason'}")
        if bad:
            yield f"{path}, {bad[0]}: {len(bad):,} such lines"
    expected = Counter(manifest.counts["rejected"])
    for reason in sorted(reasons.keys() | expected.keys()):
        if reasons[reason] != expected[reason]:
            words = f"{reasons[reason]:,} posts refused for {printable(reason)}"
            yield f"{folder}: {words}, but dataset.json says {expected[reason]:,}"


def _check_descriptor_model(dataset: str, manifest: Manifest) -> Iterator[str]:
    """Whether `descriptor_model/` is there if the manifest names a CNN, and describes images."""
    folder, decoder = storage.join(dataset, FOLDER), manifest.image_decoder
    is_there = bool(find_files(folder, "**"))
    if is_there and manifest.cnn is None:
        yield f"{folder}: is there, but dataset.json names no CNN"
    if not is_there and manifest.cnn is not None:
        yield f"{folder}: is not there, but dataset.json names a CNN"
    if not is_there or manifest.cnn is None:
        return
    try:
        with storage.reading_folder(folder) as local:
            model = DescriptorModel.load(local)
        height, width = model.image_size
        descriptors = model.from_pixels(tf.zeros([1, height, width, 3])).numpy()
    except Exception as error:  # damaged files of a SavedModel make TensorFlow raise anything
        yield f"{folder}: cannot be loaded and called ({printable(' '.join(str(error).split()))})"
        return
    if not decoder or (height, width) != (decoder.get("height"), decoder.get("width")):
        yield f"{folder}: takes images of {height} x {width}, but dataset.json says {decoder}"
    size = descriptors.shape[-1]
    if size != manifest.descriptor_size or not np.isfinite(descriptors).all():
        words = f"gives {size:,} values for an image, or some that are not finite"
        yield f"{folder}: {words}, but dataset.json says {manifest.descriptor_size:,}"
