import pytest
from tensorflow_serving.config import model_server_config_pb2

from serving.server.models.version_policy import Standing, State, next_step, wanted_versions


def policy(text: str = ""):
    from google.protobuf import text_format

    config = text_format.Parse(text, model_server_config_pb2.ModelConfig())
    return config.model_version_policy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [10]),
        ("model_version_policy { latest { num_versions: 2 } }", [3, 10]),
        ("model_version_policy { latest { num_versions: 0 } }", [10]),
        ("model_version_policy { all {} }", [2, 3, 10]),
        ("model_version_policy { specific { versions: 2 versions: 7 } }", [2]),
    ],
)
def test_versions_that_a_policy_wants(text, expected):
    assert wanted_versions({10, 2, 3}, policy(text)) == expected
    assert wanted_versions([], policy(text)) == []


START = Standing(State.START, aspired=True)
LOADING = Standing(State.LOADING, aspired=True)
WANTED = Standing(State.AVAILABLE, aspired=True)
OLD = Standing(State.AVAILABLE, aspired=False)
FAILED = Standing(State.END, aspired=True)
GONE = Standing(State.END, aspired=False)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({}, None),
        ({1: START}, ("load", 1)),
        ({1: START, 2: START}, ("load", 2)),
        ({1: OLD, 2: START}, ("load", 2)),  # the new one first ...
        ({1: OLD, 2: LOADING}, None),
        ({1: OLD, 2: WANTED}, ("unload", 1)),  # ... then the old one
        ({1: OLD, 2: FAILED}, None),  # a broken one replaces nothing
        ({1: OLD, 2: OLD, 3: LOADING}, ("unload", 1)),  # one old version is enough
        ({1: OLD, 2: OLD}, ("unload", 1)),  # none is wanted
        ({1: OLD}, ("unload", 1)),
        ({1: OLD, 2: WANTED, 3: START}, ("unload", 1)),
        ({1: GONE, 2: WANTED}, None),
        ({1: Standing(State.UNLOADING, aspired=False), 2: WANTED, 3: FAILED}, None),
    ],
)
def test_next_step(versions, expected):
    assert next_step(versions) == expected
