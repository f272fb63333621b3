"""What lies in a dataset beside its records: the vocabulary, refused posts and the CNN."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from beam.inspect.dataset_files import REMEDY, find_files, load_file, to_words
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts_file import parse_json_line
from tagkeras.data.vocabulary import FILE_NAME as VOCABULARY
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel


def load_vocabulary(dataset: str, problems: list[str]) -> Vocabulary | None:
    """The vocabulary of a dataset, or None and one more problem."""
    try:
        return load_file(storage.join(dataset, VOCABULARY), Vocabulary.load)
    except UserError as error:
        problems.append(f"{error}; {REMEDY}")
        return None


def check_rejected(dataset: str, manifest: Manifest) -> Iterator[str]:
    """Problems with `rejected/`: lines that are none, and reasons that are not counted so."""
    folder = storage.join(dataset, "rejected")
    reasons: Counter[str] = Counter()
    for path in find_files(folder, "*.jsonl"):
        try:
            lines = load_file(path, _read_rejected)
        except UserError as error:
            yield str(error)
            continue
        reasons.update(lines.reasons)
        if lines.bad:
            yield f"{path}, {lines.first_bad}: {lines.bad:,} such lines: {REMEDY}"
    expected = Counter(manifest.counts["rejected"])
    for reason in sorted(reasons.keys() | expected.keys()):
        if reasons[reason] != expected[reason]:
            yield (
                f"{folder}: {reasons[reason]:,} posts refused for {to_words(reason)}, but"
                f" dataset.json says {expected[reason]:,}: {REMEDY}"
            )


def check_descriptor_model(dataset: str, manifest: Manifest) -> Iterator[str]:
    """Problems with `descriptor_model/`, which is there if the manifest names a CNN."""
    folder = storage.join(dataset, FOLDER)
    is_there = bool(find_files(folder, "**"))
    if manifest.cnn is None:
        if is_there:
            yield f"{folder}: is there, but dataset.json names no CNN: {REMEDY}"
        return
    if not is_there:
        yield f"{folder}: is not there, but dataset.json names a CNN: {REMEDY}"
        return
    assert manifest.image_decoder is not None
    height, width = manifest.image_decoder["height"], manifest.image_decoder["width"]
    try:
        with storage.reading_folder(folder) as local:
            model = DescriptorModel.load(local)
        if model.image_size != (height, width):
            size = " x ".join(map(str, model.image_size))
            yield f"{folder}: takes images of {size}, not of {height} x {width}: {REMEDY}"
            return
        descriptors = model.from_pixels(tf.zeros([1, height, width, 3])).numpy()
    except Exception as error:  # damaged files of a SavedModel make TensorFlow raise anything
        words = to_words(" ".join(str(error).split()))
        yield f"{folder}: cannot be loaded and asked ({words}): {REMEDY}"
        return
    if descriptors.shape != (1, manifest.descriptor_size) or not np.isfinite(descriptors).all():
        yield (
            f"{folder}: gives {descriptors.shape[-1]:,} values for an image, or some that are no"
            f" numbers, but dataset.json says {manifest.descriptor_size:,}: {REMEDY}"
        )


@dataclasses.dataclass
class _RejectedLines:
    """What the lines of a file say: reasons, how many say none, and the first of those."""

    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    bad: int = 0
    first_bad: str = ""


def _read_rejected(path: Path) -> _RejectedLines:
    result = _RejectedLines()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            row = parse_json_line(line)
            words = row if isinstance(row, str) else "no reason"
            if isinstance(row, dict) and isinstance(row.get("reason"), str):
                result.reasons[row["reason"]] += 1
            else:
                result.bad += 1
                result.first_bad = result.first_bad or f"line {number:,}: {words}"
    return result
