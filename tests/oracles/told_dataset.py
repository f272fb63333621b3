"""Gives the people of a tiny dataset a category and a number of its own, and masks other facts."""

import dataclasses

import numpy as np
import tensorflow as tf

from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest

CAMERAS = ("phone", "slr")  # kept; `film` is not
FOLLOWERS = (100.0, 50.0)
MASKED = ("age", "gender", "place")


def tell_more(dataset, masked=MASKED, cameras=(*CAMERAS, "film", "")):
    """Each user has one of `cameras`, with followers; of `masked` facts the posts say nothing."""
    rng, manifest = np.random.default_rng(0), Manifest.load(dataset)
    facts = FactSchema(manifest.facts.countries, 1, {"camera": CAMERAS}, {"followers": FOLLOWERS})
    told = {}
    for path in sorted(dataset.glob("*/*.tfrecord")):
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                example = tf.train.Example.FromString(record)
                feature = example.features.feature
                user_id = feature["user_id"].bytes_list.value[0]
                camera, followers = told.setdefault(
                    user_id, (str(rng.choice(cameras)), float(rng.choice([np.nan, 50, 150])))
                )
                feature["user/camera"].bytes_list.value.append(camera.encode())
                feature["user/followers"].float_list.value.append(followers)
                values = feature["user/descriptor"].float_list.value
                values.extend(float(camera == kept) for kept in CAMERAS)
                deviation = (followers - FOLLOWERS[0]) / FOLLOWERS[1]
                values.append(0.0 if np.isnan(deviation) else deviation)
                for columns in facts.columns:
                    if columns.fact in masked:
                        for column in range(columns.start, columns.stop):
                            values[column] = columns.unknown
                        hide(feature, columns.fact)
                writer.write(example.SerializeToString())
    varies = [c.fact not in masked for c in facts.columns for _ in c.names]
    described = {**facts.to_dict(), "varies": varies}
    dataclasses.replace(manifest, user_descriptor=described).save(dataset)
    return dataset


def hide(feature, fact):
    """Makes a fact of a post unknown."""
    if fact == "place":
        feature["user/location"].float_list.value[:] = [np.nan, np.nan]
    elif feature[f"user/{fact}"].HasField("bytes_list"):
        feature[f"user/{fact}"].bytes_list.value[:] = [b""]
    else:
        feature[f"user/{fact}"].float_list.value[:] = [np.nan]
