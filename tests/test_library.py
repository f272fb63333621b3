"""The library as it is imported: its public names, and the examples of its docstrings."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tagkeras
from tagkeras.data.facts import FactSchema
from tagkeras.layers import (
    BilinearEmbedding,
    MultiplicativeEmbedding,
    UserBiasedEmbedding,
    UserDescriptor,
)
from tagkeras.losses import Bpr, SampledSoftmax, Softmax, Warp
from tagkeras.metrics import AccuracyAtK, MRRAtK, NDCGAtK, PrecisionAtK, RecallAtK, TagCounts
from tagkeras.names import LOSSES, MODELS, OPTIMIZERS, SAMPLERS
from tagkeras.optimizers import RowAdagrad, RowSGD
from tagkeras.samplers import Exhaustive, Pooled, Sequential

ROOMS = ("layers", "losses", "metrics", "models", "optimizers", "retrieval", "samplers")
MODULES = [
    module.name
    for room in ROOMS
    for module in pkgutil.iter_modules(getattr(tagkeras, room).__path__, f"tagkeras.{room}.")
]


@pytest.mark.parametrize("room", ROOMS)
def test_public_names(room):
    package = getattr(tagkeras, room)
    assert package.__doc__
    assert list(package.__all__) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__doc__, name


def test_importing_it_loads_no_tensorflow():
    code = "import sys, tagkeras.names; assert not {'tensorflow', 'keras'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [*(f"tagkeras.{room}" for room in ROOMS), *MODULES])
def test_examples(name):
    names = {"keras": keras, "np": np, "tf": tf, "tagkeras": tagkeras}
    keras.utils.set_random_seed(0)
    assert doctest.testmod(importlib.import_module(name), extraglobs=names).failed == 0


def test_every_public_class_has_an_example():
    for room in ROOMS:
        package = getattr(tagkeras, room)
        for name in package.__all__:
            public = getattr(package, name)
            if isinstance(public, type) and hasattr(public, "get_config"):
                is_base = bool(getattr(public, "__abstractmethods__", ()))
                assert is_base or ">>>" in public.__doc__, name


@pytest.mark.parametrize(
    "instance",
    [
        *(tagkeras.layers.get(name, embedding_dim=3, seed=4) for name in MODELS),
        MultiplicativeEmbedding(
            3, rank=5, user_hidden=6, initial_stddev=0.3, dtype="mixed_float16"
        ),
        UserDescriptor(FactSchema(("US", "NZ"), 3)),
        Warp(),
        Warp(0.3, Exhaustive(max_negatives=7, tile=64)),
        Bpr(),
        Softmax(),
        SampledSoftmax(9),
        Pooled(max_negatives=7, pool_group=5),
        Sequential(max_negatives=7),
        RowSGD(),
        RowSGD(0.5, momentum=0.9),
        RowAdagrad(0.25, initial_accumulator_value=0.5, epsilon=1e-3),
        *(metric(10) for metric in (PrecisionAtK, RecallAtK, AccuracyAtK, NDCGAtK, MRRAtK)),
        PrecisionAtK(3, name="mine"),
        TagCounts(6, k=3),
    ],
    ids=lambda instance: type(instance).__name__,
)
def test_config_round_trip(instance):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(instance))
    assert type(again) is type(instance)
    assert again is not instance
    assert again.get_config() == instance.get_config()


@pytest.mark.parametrize(
    ("get", "names", "classes", "arguments"),
    [
        (
            tagkeras.layers.get,
            MODELS,
            [BilinearEmbedding, UserBiasedEmbedding, MultiplicativeEmbedding],
            {"embedding_dim": 3},
        ),
        (tagkeras.losses.get, LOSSES, [Warp, Softmax, SampledSoftmax, Bpr], {}),
        (tagkeras.samplers.get, SAMPLERS, [Pooled, Sequential, Exhaustive], {"max_negatives": 7}),
        (tagkeras.optimizers.get, OPTIMIZERS, [RowAdagrad, RowSGD], {"learning_rate": 0.5}),
    ],
)
def test_by_name(get, names, classes, arguments):
    made = [get(name, **arguments) for name in names]
    assert [type(instance) for instance in made] == classes
    assert all(arguments.items() <= instance.get_config().items() for instance in made)
    assert get(made[0]) is made[0]
    with pytest.raises(ValueError, match=f"must be one of {', '.join(names)}, received 'other'"):
        get("other")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiplicativeEmbedding(0), "embedding_dim must be at least 1, received 0"),
        (lambda: MultiplicativeEmbedding(2, rank=0), "rank and user_hidden must be at least 1"),
        (lambda: MultiplicativeEmbedding(2, initial_stddev=0.0), "initial_stddev must be above 0"),
        (lambda: Warp(-0.1), "margin must be at least 0, received -0.1"),
        (lambda: SampledSoftmax(0), "num_negatives must be at least 1, received 0"),
        (lambda: Sequential(max_negatives=0), "max_negatives must be at least 1, received 0"),
        (lambda: Pooled(pool_group=0), "pool_group must be at least 1, received 0"),
        (lambda: Exhaustive(tile=33), "tile must be a multiple of 32, received 33"),
        (lambda: RowSGD(0.0), "learning_rate must be above 0, received 0"),
        (lambda: RowSGD(0.1, momentum=1.0), r"momentum must be in \[0, 1\), received 1.0"),
        (lambda: RowAdagrad(initial_accumulator_value=-1.0), "must be at least 0, received -1"),
        (lambda: RecallAtK(0), "k must be at least 1, received 0"),
        (lambda: tagkeras.models.HashtagModel(None, 0), "num_tags must be at least 1, received 0"),
        (lambda: tagkeras.models.HashtagModel(None, 5, max_norm=0), "max_norm must be above 0"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
