"""Where a release stands: in the file, and on each server."""

from collections.abc import Sequence
from pathlib import Path

from serving.client.answers import RequestError
from serving.releases import config_file
from serving.releases.release import Release
from serving.releases.watched_server import WatchedServer
from tagkeras.cli.errors import UserError


def print_standing(path: str, model: str, servers: Sequence[WatchedServer]) -> None:
    """Prints a line for the file and one for each server.

    Raises:
        UserError: the file cannot be read or has no such model; or, when all are printed, a server
            does not answer.
    """
    if not Path(path).exists():
        raise UserError(f"{path}: no such file: start makes one")
    release = config_file.release_of(config_file.read(path), model)
    if release is None:
        raise UserError(f"{path} has no model {model!r}")
    print(f"{path}: {release}")
    silent = []
    for server in servers:
        try:
            print(f"{server.address}: {_versions(server, release)}")
        except RequestError as error:
            print(f"{server.address}: no answer: {error}")
            silent.append(server.address)
    if silent:
        raise UserError(f"no answer from {', '.join(silent)}")


def _versions(server: WatchedServer, release: Release) -> str:
    """The versions of a server, with the labels of a release that it has."""
    states = server.states()
    labels = {label: server.version_of(label) for label in release.label_names}
    words = [
        f"version {version} {state.state}"
        + "".join(f" {label}" for label in labels if labels[label] == version)
        + (f" ({state.error})" if state.error else "")
        for version, state in sorted(states.items())
    ]
    return ", ".join(words) or "no versions"
