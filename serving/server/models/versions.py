"""Which versions a model has on disk, which of them it should serve, and how to get there."""

import enum
import logging
import pathlib
import re
from collections.abc import Collection, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import invalid_argument

_STATES = get_model_status_pb2.ModelVersionStatus.State
_MAX_VERSION = 2**63 - 1

_log = logging.getLogger(__name__)


class State(enum.IntEnum):
    """The state of a version, from its first sight on disk to its end."""

    START = _STATES.Value("START")
    LOADING = _STATES.Value("LOADING")
    AVAILABLE = _STATES.Value("AVAILABLE")
    UNLOADING = _STATES.Value("UNLOADING")
    END = _STATES.Value("END")


def wanted_versions(found: Collection[int], policy: Any) -> list[int]:
    """The versions found that a ServableVersionPolicy wants, oldest first."""
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return sorted(found)
    if choice == "specific":
        return sorted(set(found) & set(policy.specific.versions))
    return sorted(found)[-max(1, policy.latest.num_versions) :]


def next_step(wanted: Mapping[int, State], unwanted: Mapping[int, State]) -> tuple[str, int] | None:
    """The next thing to do for a model, as TensorFlow Serving's AvailabilityPreservingPolicy.

    An old version is unloaded only once a wanted one is available (or none is wanted), the newest
    wanted version is loaded first. `("unload", version)`, `("load", version)`, or None.
    """
    old = [version for version, state in unwanted.items() if state is State.AVAILABLE]
    if old and (not wanted or State.AVAILABLE in wanted.values() or len(old) > 1):
        return "unload", min(old)
    new = [version for version, state in wanted.items() if state is State.START]
    return ("load", max(new)) if new else None


class VersionSource:
    """Finds the folders of the versions that a model's policy wants.

    What is wrong with a model's folder is logged once, not at every poll.
    """

    def __init__(self) -> None:
        self._logged: dict[str, list[str]] = {}

    def poll(self, model: model_server_config_pb2.ModelConfig) -> dict[int, str]:
        """Folders of the wanted versions by number, oldest first; passes over other names.

        `INVALID_ARGUMENT` if the model's folder cannot be listed.
        """
        try:
            names = _list(model.base_path)
        except tf.errors.OpError as error:
            failure = invalid_argument(
                f"Could not find base path {model.base_path} for servable {model.name} "
                f"with error {error.message}"
            )
            self._log_new(model.name, [failure.message])
            raise failure from None
        warnings: list[str] = []
        folders = _folders(names, warnings)
        for version in model.model_version_policy.specific.versions:
            if version not in folders:
                warnings.append(
                    f"Version {version} of servable {model.name}, which was requested to be served "
                    "as a 'specific' version in the servable's version policy, was not found in "
                    "the file system"
                )
        if not folders:
            warnings.append(
                f"No versions of servable {model.name} found under base path {model.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        self._log_new(model.name, warnings)
        base = model.base_path.rstrip("/")
        wanted = wanted_versions(folders, model.model_version_policy)
        return {version: f"{base}/{folders[version]}" for version in wanted}

    def _log_new(self, name: str, warnings: list[str]) -> None:
        for warning in warnings:
            if warning not in self._logged.get(name, []):
                _log.warning("%s", warning)
        self._logged[name] = warnings


def _list(base_path: str) -> list[str]:
    """Names in a folder; those that are not UTF-8, which no version has, as Python escapes them."""
    try:
        names: list[str] = tf.io.gfile.listdir(base_path)
    except UnicodeDecodeError:
        names = [path.name for path in pathlib.Path(base_path).iterdir()]
    return names


def _folders(names: Collection[str], warnings: list[str]) -> dict[int, str]:
    """Names of folders by the version that they stand for."""
    folders: dict[int, str] = {}
    # File systems in a cloud list what lies deeper, too.
    for name in sorted({name.partition("/")[0] for name in names}):
        if not re.fullmatch("[0-9]+", name) or (version := int(name)) > _MAX_VERSION:
            continue
        if version in folders:
            warnings.append(
                f"Duplicate version directories detected. Version {version} will be loaded from "
                f"{name}, {folders[version]} will be ignored."
            )
        folders[version] = name
    return folders
