"""What is taken for a version on the disk, and what is said of the rest."""

import logging

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from serving.server.models.version_source import VersionSource

SPECIFIC = "model_version_policy { specific { versions: 2 versions: 7 } }"


def model(base_path, policy=""):
    text = f'name: "tags" base_path: "{base_path}" {policy}'
    return text_format.Parse(text, model_server_config_pb2.ModelConfig())


def make(base_path, *names):
    for name in names:
        (base_path / name).mkdir()


def test_names_that_are_versions(tmp_path):
    largest = 2**63 - 1
    make(tmp_path, "0", "2", "00000003", str(largest), "0" * 30 + "5")
    make(tmp_path, "v11", ".12.tmp", "9" * 30, str(largest + 1), "-4", "+6", " 8", "1_0", "٣")
    found = VersionSource().look(model(tmp_path, "model_version_policy { all {} }"))
    assert list(found) == [0, 2, 3, 5, largest]
    assert found[3] == f"{tmp_path}/00000003"


def test_two_folders_of_a_version(tmp_path, caplog):
    make(tmp_path, "1", "001")
    source = VersionSource()
    for _ in range(2):
        assert source.look(model(f"{tmp_path}/")) == {1: f"{tmp_path}/1"}
    assert caplog.messages == [
        "Duplicate version directories detected. Version 1 will be loaded from 1, 001 will be "
        "ignored."
    ]


def test_a_specific_version_that_is_absent_is_told_once(tmp_path, caplog):
    make(tmp_path, "2")
    source = VersionSource()
    for _ in range(2):
        assert source.look(model(tmp_path, SPECIFIC)) == {2: f"{tmp_path}/2"}
    said = (
        "Version 7 of servable tags, which was requested to be served as a 'specific' version in "
        "the servable's version policy, was not found in the file system"
    )
    assert caplog.messages == [said]
    make(tmp_path, "7")
    assert list(source.look(model(tmp_path, SPECIFIC))) == [2, 7]
    (tmp_path / "7").rmdir()
    source.look(model(tmp_path, SPECIFIC))
    assert caplog.messages == [said, said]


def test_other_versions_than_the_specific_ones_are_not_none(tmp_path, caplog):
    make(tmp_path, "1")
    assert VersionSource().look(model(tmp_path, SPECIFIC)) == {}
    assert len(caplog.messages) == 2
    assert not any("Did you forget" in message for message in caplog.messages)


def test_no_versions(tmp_path, caplog):
    make(tmp_path, "v1")
    assert VersionSource().look(model(tmp_path)) == {}
    assert caplog.record_tuples == [
        (
            "serving.server.models.version_source",
            logging.WARNING,
            f"No versions of servable tags found under base path {tmp_path}. Did you forget to "
            "name your leaf directory as a number (eg. '/1/')?",
        )
    ]


def test_a_missing_base_path_is_an_error_not_an_empty_list(tmp_path, caplog):
    source = VersionSource()
    for _ in range(2):
        with pytest.raises(ServingError, match="INVALID_ARGUMENT: Could not find base path"):
            source.look(model(tmp_path / "absent"))
    assert len(caplog.messages) == 1
