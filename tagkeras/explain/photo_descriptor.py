"""The descriptor of one photo: of an image file, or of a post of the dataset."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data import records
from tagkeras.data.manifest import SPLITS, Manifest
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorModel

_BATCH = 1024


def describe_image(dataset: Path, manifest: Manifest, image: Path) -> np.ndarray:
    """The descriptor of a JPEG, PNG, GIF, BMP or WebP file by the dataset's model: float32 [n].

    Raises:
        UserError: the file cannot be read or decoded, or the dataset was made of ready descriptors.
    """
    if manifest.cnn is None:
        raise UserError(
            f"{dataset} was made of ready descriptors and has no descriptor model for {image}:"
            " name one of its posts by --post_id"
        )
    try:
        content = image.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the image {image}: {error.strerror}") from error
    describe = DescriptorModel.load(dataset / FOLDER)
    try:
        descriptor: np.ndarray = describe(tf.constant([content])).numpy()[0]
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise UserError(
            f"{image} is no picture that can be decoded: give a JPEG, PNG, GIF, BMP or WebP file"
        ) from error
    if not np.isfinite(descriptor).all():
        raise UserError(f"{image}: its descriptor has values that are not finite: try another")
    return descriptor


def descriptor_of_post(dataset: Path, manifest: Manifest, post_id: str) -> np.ndarray:
    """The stored descriptor of a post, whatever its split: float32 [n].

    Of a dataset with hashes of its post ids, `post_id` is such a hash.

    Raises:
        UserError: no split has such a post, or the dataset is damaged.
    """
    splits = [split for split in SPLITS if manifest.splits.get(split, {}).get("posts")]
    total = sum(manifest.splits[split]["posts"] for split in splits)
    with (
        data_input.named_errors(dataset),
        progress(f"looking for post {post_id}", total, "posts") as advance,
    ):
        for split in splits:
            shards = data_input.find_shards(dataset, manifest, split)
            for serialized in tf.data.TFRecordDataset(shards).batch(_BATCH).prefetch(2):
                # Ids alone first: descriptors are nearly all of a record.
                parsed = records.parse(serialized, manifest, names=("post_id",))
                ids: np.ndarray = parsed["post_id"].numpy()
                advance(len(ids))
                if len(rows := np.flatnonzero(ids == post_id.encode())):
                    batch = data_input.parse(serialized[rows[0] : rows[0] + 1], manifest)
                    return batch["descriptor"].numpy()[0]
    hashed = manifest.privacy.get("post_ids", "kept") != "kept"
    hint = ": its post ids are stored as hashes, give one of those" if hashed else ""
    raise UserError(f"{dataset} has no post {post_id!r} in {', '.join(splits)}{hint}")
