"""Looks on the disk for the versions of models."""

import logging
import re

import tensorflow as tf
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import invalid_argument
from serving.server.models import version_policy

_log = logging.getLogger(__name__)
_MAX_VERSION = 2**63 - 1


class VersionSource:
    """Finds the folders of the versions that a model's policy wants.

    What is wrong with a model's folder is logged once, not at every look.
    """

    def __init__(self) -> None:
        self._complaints: dict[str, list[str]] = {}

    def look(self, model: model_server_config_pb2.ModelConfig) -> dict[int, str]:
        """Folders of the wanted versions by number, in their order.

        Sub-folders of other names than numbers are passed over.

        Raises:
            ServingError: `INVALID_ARGUMENT`: the model's folder cannot be listed.
        """
        complaints: list[str] = []
        try:
            names = tf.io.gfile.listdir(model.base_path)
        except tf.errors.OpError as error:
            failure = invalid_argument(
                f"Could not find base path {model.base_path} for servable {model.name} "
                f"with error {error.message}"
            )
            self._log_new(model.name, [failure.message])
            raise failure from None
        folders = _folders(names, complaints)
        wanted = version_policy.wanted_versions(folders, model.model_version_policy)
        for version in model.model_version_policy.specific.versions:
            if version not in folders:
                complaints.append(
                    f"Version {version} of servable {model.name}, which was requested to be served "
                    "as a 'specific' version in the servable's version policy, was not found in "
                    "the file system"
                )
        if not folders:
            complaints.append(
                f"No versions of servable {model.name} found under base path {model.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        self._log_new(model.name, complaints)
        return {version: f"{model.base_path.rstrip('/')}/{folders[version]}" for version in wanted}

    def _log_new(self, name: str, complaints: list[str]) -> None:
        known = self._complaints.get(name, [])
        for complaint in complaints:
            if complaint not in known:
                _log.warning("%s", complaint)
        self._complaints[name] = complaints


def _folders(names: list[str], complaints: list[str]) -> dict[int, str]:
    """Names of folders by the version that they stand for."""
    folders: dict[int, str] = {}
    # File systems in a cloud list what lies deeper, too.
    for name in sorted({name.partition("/")[0] for name in names}):
        if not re.fullmatch("[0-9]+", name) or (version := int(name)) > _MAX_VERSION:
            continue
        if version in folders:
            complaints.append(
                f"Duplicate version directories detected. Version {version} will be loaded from "
                f"{name}, {folders[version]} will be ignored."
            )
        folders[version] = name
    return folders
