"""Edits of a model config file: one model's versions and labels; the others stay as they are."""

import os
import re
import stat
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.releases.release import Release
from serving.server.errors import ServingError
from serving.server.models import model_config
from serving.server.models.version_source import VersionSource
from tagkeras.cli import files
from tagkeras.cli.errors import UserError

FileName = str | os.PathLike[str]
# Lines of a file's head that are comments or empty.
_HEAD = re.compile(r"(?:[ \t]*(?:#.*)?\n)*")
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"' r"|'(?:\\.|[^'\\\n])*'")


def read(path: FileName) -> model_server_config_pb2.ModelServerConfig:
    """Reads an ascii ModelServerConfig; an empty one if there is no such file.

    Raises:
        UserError: it cannot be read, or no server would take it.
    """
    if not Path(path).exists():
        return model_server_config_pb2.ModelServerConfig()
    config = model_config.read(path)
    _check(path, config)
    return config


def find(
    config: model_server_config_pb2.ModelServerConfig, name: str
) -> model_server_config_pb2.ModelConfig | None:
    """A model of a config; None if it is not there."""
    return next((model for model in config.model_config_list.config if model.name == name), None)


def release_of(config: model_server_config_pb2.ModelServerConfig, name: str) -> Release | None:
    """What a config says of a model; None if it has no such model.

    A policy other than `specific` names no versions: then they are those that have labels.
    """
    model = find(config, name)
    if model is None:
        return None
    labels = dict(model.version_labels)
    policy = model.model_version_policy
    named = policy.specific.versions if policy.HasField("specific") else labels.values()
    return Release(tuple(sorted(set(named))), labels)


def set_release(
    config: model_server_config_pb2.ModelServerConfig, name: str, release: Release
) -> None:
    """Writes a model's versions and labels into a config that has the model."""
    model = find(config, name)
    assert model is not None
    model.model_version_policy.Clear()
    model.model_version_policy.specific.versions.extend(release.versions)
    model.version_labels.clear()
    model.version_labels.update(release.labels)


def write(path: FileName, config: model_server_config_pb2.ModelServerConfig) -> bool:
    """Replaces a file in one step; its permissions stay, and a link is followed.

    Returns:
        Whether comments were lost: those before the first line of the config are kept, the others
        cannot be.

    Raises:
        UserError: no server would take the config.
    """
    _check(path, config)
    target = Path(path).resolve()
    old = target.read_text(encoding="utf-8") if target.exists() else ""
    matched = _HEAD.match(old)
    head = matched[0] if matched else ""
    replace(target, head + text_format.MessageToString(config))
    return "#" in _STRING.sub("", old[len(head) :])


def replace(path: FileName, text: str) -> None:
    """Replaces a file's text in one step; its permissions stay, and a link is followed."""
    target = Path(path).resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    with files.written_aside(target) as aside:
        aside.write_text(text, encoding="utf-8")
        if mode is not None:
            aside.chmod(mode)


def versions_on_disk(base_path: str) -> set[int] | None:
    """The versions in a model's folder; None if it is not a folder of this machine."""
    if not Path(base_path).is_dir():
        return None
    model = model_server_config_pb2.ModelConfig(base_path=base_path)
    model.model_version_policy.all.SetInParent()
    try:
        return set(VersionSource().look(model))
    except ServingError:
        return set()


def _check(path: FileName, config: model_server_config_pb2.ModelServerConfig) -> None:
    try:
        model_config.check(model_server_config_pb2.ModelServerConfig(), config)
    except ServingError as error:
        raise UserError(f"{path}: no server takes it: {error.message}") from error
