import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagkeras.data import records
from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest
from tagkeras.data.records import PostRecord


def make_record(descriptor, **fields):
    return PostRecord(
        **{
            "post_id": b"p1",
            "user_id": b"ab12",
            "descriptor": np.asarray(descriptor, np.float32),
            "user_descriptor": [0.25, -1.0, 0.0, 1.0, 0.5, 0.5],
            "tags": [3, 1],
            **fields,
        }
    )


def describe(size, dtype="float32"):
    return Manifest(
        descriptor_size=size,
        descriptor_dtype=dtype,
        num_tags=8,
        splits={},
        user_descriptor={"countries": ["US"], "location_decimals": 1, "size": 6},
    )


def parse(serialized, size, dtype="float32"):
    return records.parse(tf.constant(serialized, tf.string), describe(size, dtype))


def test_round_trip_of_every_field():
    full = make_record(
        [1.5, -2.25, 0.0],
        facts={"age": 34.5, "gender": b"female", "country": b"GB"},
        location=(51.5, -0.1),
        tags_removed=[7],
        out_of_vocabulary=2,
    )
    sparse = make_record([0.0, 0.0, 1e-3], post_id=b"p2", tags=[])
    batch = parse([records.encode(post, "float32") for post in (full, sparse)], 3)
    assert batch["post_id"].numpy().tolist() == [b"p1", b"p2"]
    assert batch["user_id"].numpy().tolist() == [b"ab12", b"ab12"]
    np.testing.assert_array_equal(batch["descriptor"], np.float32([[1.5, -2.25, 0], [0, 0, 1e-3]]))
    np.testing.assert_array_equal(
        batch["user_descriptor"], np.float32([[0.25, -1, 0, 1, 0.5, 0.5]] * 2)
    )
    assert batch["tags"].to_list() == [[3, 1], []]
    assert batch["tags_removed"].to_list() == [[7], []]
    assert batch["tags"].dtype == tf.int64
    assert batch["out_of_vocabulary"].numpy().tolist() == [2, 0]
    assert batch["age"].numpy()[0] == 34.5
    assert math.isnan(batch["age"].numpy()[1])
    assert batch["gender"].numpy().tolist() == [b"female", b""]
    assert batch["country"].numpy().tolist() == [b"GB", b""]
    np.testing.assert_array_equal(batch["location"], np.float32([[51.5, -0.1], [np.nan, np.nan]]))


def test_facts_of_ones_own():
    schema = FactSchema(("US",), 1, {"camera": ("a",)}, {"price": (0.0, 1.0)})
    manifest = dataclasses.replace(describe(2), user_descriptor=schema.to_dict())
    told = {"camera": b"a", "price": -2.5, "age": 7.0}
    serialized = [
        records.encode(
            make_record([1.0, 2.0], facts=facts, user_descriptor=[0.5] * 8), "float32", schema.facts
        )
        for facts in (told, {})
    ]
    batch = records.parse(tf.constant(serialized), manifest)
    assert batch["camera"].numpy().tolist() == [b"a", b""]
    np.testing.assert_array_equal(batch["price"], np.float32([-2.5, np.nan]))
    np.testing.assert_array_equal(batch["age"], np.float32([7, np.nan]))
    example = tf.train.Example.FromString(serialized[0])
    assert {"user/camera", "user/price"} < set(example.features.feature)


def test_feature_names_and_bytes_are_the_documented_ones():
    example = tf.train.Example.FromString(records.encode(make_record([1.0, -2.0]), "float16"))
    assert set(example.features.feature) == {
        "post_id",
        "user_id",
        "image/descriptor",
        "user/descriptor",
        "user/age",
        "user/gender",
        "user/country",
        "user/location",
        "tags",
        "tags/removed",
        "tags/out_of_vocabulary",
    }
    raw = example.features.feature["image/descriptor"].bytes_list.value[0]
    assert raw == bytes.fromhex("003c00c0")  # 1.0 and -2.0, little-endian halves


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.float32, (2, 5), elements=st.floats(-60000, 60000, width=32)),
    st.sampled_from(["float16", "float32"]),
)
def test_descriptor_keeps_what_its_dtype_can_hold(descriptors, dtype):
    serialized = [records.encode(make_record(d), dtype) for d in descriptors]
    parsed = parse(serialized, 5, dtype)["descriptor"]
    assert parsed.dtype == tf.float32
    np.testing.assert_array_equal(parsed, descriptors.astype(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((2, 2), r"\[2,2\] is not compatible with expected shape \[\?,3\]"),
        ((3, 2), "to all be the same size, but element 1 has size"),
    ],
)
def test_another_length_fails_with_both_lengths(sizes, words):
    serialized = [records.encode(make_record(np.ones(size)), "float16") for size in sizes]
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        parse(serialized, 3, "float16")


def test_in_a_dataset_of_any_batch_size():
    serialized = [records.encode(make_record([i, 1.0]), "float16") for i in range(5)]
    dataset = tf.data.Dataset.from_tensor_slices(serialized).batch(2)
    batches = list(dataset.map(lambda batch: records.parse(batch, describe(2, "float16"))))
    assert [len(batch["descriptor"]) for batch in batches] == [2, 2, 1]
