"""Real photos through the whole pipeline, against a plain Keras predict."""

import csv
import json

import keras
import numpy as np
import pytest
from beam_helpers import read, run
from PIL import Image, ImageOps

from tagkeras.images.image_decoder import ImageDecoder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PHOTOS = 1000


def test_descriptors_are_those_of_keras(real_data, tmp_path):
    photos = real_data / "clothing"
    weights = real_data / "imagenet_cnn" / "mobilenet_v2_1.0_224_from_quant.weights.h5"
    if not photos.is_dir() or not weights.is_file():
        pytest.skip(f"no clothing photos or MobileNetV2 weights in {real_data}")
    with (photos / "images.csv").open() as stream:
        rows = [
            row
            for row in csv.DictReader(stream)
            if (photos / "images" / f"{row['image']}.jpg").is_file()
        ][:PHOTOS]
    assert len(rows) == PHOTOS
    (tmp_path / "posts.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "post_id": row["image"],
                    "user_id": row["sender_id"],
                    "image": f"{row['image']}.jpg",
                    "hashtags": [row["label"]],
                }
            )
            + "\n"
            for row in rows
        )
    )
    run(
        tmp_path / "posts.jsonl",
        tmp_path / "out",
        image_root=str(photos / "images"),
        cnn_weights=str(weights),
        descriptor_dtype="float32",
    )
    posts = read(tmp_path / "out")
    assert len(posts) == PHOTOS
    model = keras.applications.MobileNetV2(weights=None)
    model.load_weights(weights)
    body = keras.Model(model.inputs, model.layers[-2].output)
    decoder = ImageDecoder(224, 224)
    ordered = [posts[row["image"]]["descriptor"] for row in rows]
    for start in range(0, PHOTOS, 100):
        paths = [photos / "images" / f"{r['image']}.jpg" for r in rows[start : start + 100]]
        pixels = decoder(keras.ops.convert_to_tensor([path.read_bytes() for path in paths]))
        if not start:
            # The decoder sees the photos as Pillow does.
            with Image.open(paths[0]) as photo:
                upright = ImageOps.exif_transpose(photo).convert("RGB").resize((224, 224), 2)
            assert np.abs(np.asarray(upright, np.float32) - pixels[0]).mean() < 2
        described = body.predict(
            keras.applications.mobilenet_v2.preprocess_input(np.array(pixels)), verbose=0
        )
        stored = np.array(ordered[start : start + 100])
        apart = np.linalg.norm(stored - described, axis=1) / np.linalg.norm(described, axis=1)
        assert apart.max() < 1e-3
        np.testing.assert_allclose(stored, described, rtol=1e-3, atol=1e-3)
