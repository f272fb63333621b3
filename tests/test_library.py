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
