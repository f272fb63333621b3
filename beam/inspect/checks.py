"""Compares the files of a dataset with its manifest and with each other."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from beam.inspect.scan import Scan, find_files, printable
from beam.preprocess.make_manifest import histogram
from beam.preprocess.shards import NO_TAG_LEFT
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import DESCRIPTOR_DTYPES, FILE_NAME, SPLIT_COUNTS, SPLITS, Manifest
from tagkeras.data.posts_file import parse_json_line
from tagkeras.data.record_checks import REMEDY
from tagkeras.data.vocabulary import FILE_NAME as VOCABULARY
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel

ValueT = TypeVar("ValueT")

# The form of the fields of `dataset.json` that the checks rely on: dictionaries by key, "*" for any
# key, types, and tuples or ranges of what a value may be. Sums of counts stay far below 2^63.
# Those of `_OPTIONAL` may be absent or None.
_COUNT, _SIZE = range(2**40), range(1, 2**31)
_COUNTS = {"*": _COUNT}
_FORM = {
    "descriptor_size": _SIZE,
    "descriptor_dtype": DESCRIPTOR_DTYPES,
    "num_tags": _SIZE,
    "splits": {split: dict.fromkeys(SPLIT_COUNTS, _COUNT) for split in SPLITS},
    "user_descriptor": {"countries": list, "location_decimals": int, "size": _SIZE}
    | {"categories": {"*": list}, "numbers": {"*": list}, "varies": list, "seen": {"*": _COUNTS}},
    **dict.fromkeys(("cnn", "privacy", "versions"), dict),
    "image_decoder": {"height": _SIZE, "width": _SIZE},
    "distribution": {"name": ("natural", "balanced"), "target": float | int}
    | {"tags_by_training_posts": {"*": _COUNTS}},
    "counts": dict.fromkeys(("posts_read", "posts_written"), _COUNT)
    | dict.fromkeys(("rejected", "dropped"), _COUNTS),
}
_OPTIONAL = {"cnn", "image_decoder", "target", "tags_by_training_posts"}
_OPTIONAL |= {"categories", "numbers", "varies", "seen"}


def inspect(dataset: str, num_samples: int) -> tuple[Scan, Vocabulary | None, list[str]]:
    """Reads all of a dataset and verifies it; keeps `num_samples` posts of each split, at most.

    Returns:
        The contents of the shards, the vocabulary unless it cannot be read, and all problems, a
        line each.

    Raises:
        UserError: there is no dataset, or its manifest cannot be read.
    """
    path = storage.join(dataset, FILE_NAME)
    manifest = _load(path, lambda local: Manifest.load(local.parent))
    wrong = next(_find_malformed("", vars(manifest), _FORM), "")
    try:
        if not wrong and manifest.facts.size != manifest.user_descriptor["size"]:
            wrong = f"user_descriptor.size: these facts have {manifest.facts.size}"
    except (AttributeError, TypeError, ValueError) as error:
        wrong = f"user_descriptor: {error}"
    if wrong:
        raise UserError(f"{path}: {printable(wrong)}: {REMEDY}")
    vocabulary, unreadable = None, []
    try:
        vocabulary = _load(storage.join(dataset, VOCABULARY), Vocabulary.load)
    except UserError as error:
        unreadable = [str(error)]
    scan = Scan(dataset, manifest, num_samples)
    problems = itertools.chain(
        unreadable,
        scan.problems,
        _check_counts(scan),
        _check_vocabulary(vocabulary, scan) if vocabulary else (),
        _check_facts(scan),
        _check_rejected(scan),
        _check_descriptor_model(scan),
    )
    return scan, vocabulary, [f"{problem}: {REMEDY}" for problem in problems]


def _find_malformed(place: str, value: Any, form: Any) -> Iterator[str]:
    """What is not of its form in a value of a manifest, by dotted keys."""
    if isinstance(form, dict) and isinstance(value, dict):
        for key in value if "*" in form else form:
            if key not in _OPTIONAL or value.get(key) is not None:
                inner = form.get("*", form.get(key))
                yield from _find_malformed(f"{place}.{key}".lstrip("."), value.get(key), inner)
    elif isinstance(form, range | tuple):
        if type(value) is not type(form[0]) or value not in form:
            yield f"{place}: {value!r} is not in {form}"
    elif not isinstance(value, dict if isinstance(form, dict) else form):
        yield f"{place}: {value!r} is of the wrong type"


def _load(path: str, load: Callable[[Path], ValueT]) -> ValueT:
    """Applies `load` to a local copy of a file; errors, of `UserError`, name the file itself."""
    try:
        with storage.reading(path) as local:
            try:
                return load(local)
            except UserError as error:
                raise UserError(str(error).replace(str(local), path)) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or storage.explain(error)}") from error


def _check_counts(scan: Scan) -> Iterator[str]:
    """Counts of the manifest that do not add up, or are not those of the shards.

    Of a split with missing or unreadable shards, only these are named.
    """
    path, splits, counts = _manifest(scan), scan.manifest.splits, scan.manifest.counts
    read, written = counts["posts_read"], counts["posts_written"]
    rejected, dropped = (sum(counts[name].values()) for name in ("rejected", "dropped"))
    if read != written + rejected + dropped:
        parts = f"{written:,} written + {rejected:,} rejected + {dropped:,} dropped"
        yield f"{path}: {read:,} posts read are not {parts}"
    in_splits = sum(splits[split]["posts"] for split in SPLITS)
    if written != in_splits:
        yield f"{path}: {written:,} posts written, but its splits have {in_splits:,}"
    for split in SPLITS:
        folder = storage.join(scan.dataset, split)
        for name in SPLIT_COUNTS if split in scan.whole else ("shards",):
            found, expected = scan.counts[split][name], splits[split][name]
            yield from _compare(folder, name.replace("_", " "), found, expected)


def _manifest(scan: Scan) -> str:
    return storage.join(scan.dataset, FILE_NAME)


def _compare(place: str, words: str, found: int, expected: int) -> Iterator[str]:
    if found != expected:
        yield f"{place}: {found:,} {words}, but dataset.json says {expected:,}"


def _check_vocabulary(vocabulary: Vocabulary, scan: Scan) -> Iterator[str]:
    """Counts of `vocabulary.tsv` that are not those of the training posts."""
    path, manifest = storage.join(scan.dataset, VOCABULARY), scan.manifest
    yield from _compare(path, "hashtags", len(vocabulary), manifest.num_tags)
    if len(vocabulary) != manifest.num_tags or "train" not in scan.whole:
        return
    # Balancing drops the posts that no tag is left of, after the vocabulary counted them, and takes
    # only tags off that are more frequent than its target.
    dropped = manifest.counts["dropped"].get(NO_TAG_LEFT, 0)
    counts, found = vocabulary.counts, scan.kept + scan.removed
    most = np.where(counts > (manifest.distribution.get("target") or np.inf), dropped, 0)
    wrong = np.flatnonzero((counts < found) | (counts > found + most))
    if wrong.size:
        tag = wrong[0]
        yield (
            f"{path}: {wrong.size:,} counts are not those of the training posts, the first that of"
            f" {printable(vocabulary.tags[tag])}, {counts[tag]:,}, which {found[tag]:,} posts have"
        )
    histograms = manifest.distribution.get("tags_by_training_posts") or {}
    for name, of_tags in (("natural", counts), ("balanced", scan.kept)):
        if name in histograms and histograms[name] != histogram(of_tags):
            words = f"the {name} histogram of hashtags is not that of the training posts"
            yield f"{_manifest(scan)}: {words}"


def _check_facts(scan: Scan) -> Iterator[str]:
    """What the manifest says of facts that is not so in the training posts."""
    for name, found in scan.facts.to_manifest().items() if "train" in scan.whole else ():
        if scan.manifest.user_descriptor.get(name) not in (None, found):
            yield f"{_manifest(scan)}: user_descriptor.{name} is not that of the training posts"


def _check_rejected(scan: Scan) -> Iterator[str]:
    """Lines of `rejected/` that cannot be read, and reasons that are not counted so."""
    folder = storage.join(scan.dataset, "rejected")
    found: Counter[str] = Counter()
    for path in find_files(folder, "*.jsonl"):
        try:
            lines = _load(path, Path.read_bytes).splitlines()
        except UserError as error:
            yield str(error)
            continue
        bad = []
        for number, row in enumerate(map(parse_json_line, lines), 1):
            if isinstance(row, dict) and isinstance(row.get("reason"), str):
                found[row["reason"]] += 1
            else:
                bad.append(f"line {number:,}: {row if isinstance(row, str) else 'no reason'}")
        if bad:
            yield f"{path}, {bad[0]}: {len(bad):,} such lines"
    expected = Counter(scan.manifest.counts["rejected"])
    for reason in sorted(found | expected):
        words = f"posts refused for {printable(reason)}"
        yield from _compare(folder, words, found[reason], expected[reason])


def _check_descriptor_model(scan: Scan) -> Iterator[str]:
    """Whether `descriptor_model/` is there if the manifest names a CNN, and describes images."""
    folder, manifest = storage.join(scan.dataset, FOLDER), scan.manifest
    is_there = bool(find_files(folder, "**"))
    if is_there != (manifest.cnn is not None):
        is_or_not, names = ("is", "no") if is_there else ("is not", "a")
        yield f"{folder}: {is_or_not} there, but dataset.json names {names} CNN"
    elif is_there:
        try:
            with storage.reading_folder(folder) as local:
                model = DescriptorModel.load(local)
            descriptors = model.from_pixels(tf.zeros([1, *model.image_size, 3])).numpy()
        except Exception as error:  # damaged files of a SavedModel make TensorFlow raise anything
            words = printable(" ".join(str(error).split()))
            yield f"{folder}: cannot be loaded and called ({words})"
            return
        decoder = manifest.image_decoder or {}
        for side, here in zip(("height", "width"), model.image_size, strict=True):
            yield from _compare(folder, f"is the {side} of images", here, decoder.get(side, 0))
        size = descriptors.shape[-1]
        yield from _compare(folder, "values for an image", size, manifest.descriptor_size)
        if not np.isfinite(descriptors).all():
            yield f"{folder}: gives NaN or infinity for a black image"
