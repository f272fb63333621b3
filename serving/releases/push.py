"""Sends configs to servers that do not look at the file, or not yet."""

import time
from collections.abc import Sequence

from tensorflow_serving.config import model_server_config_pb2

from serving.client.answers import RequestError
from serving.releases import config_file
from serving.releases.follow import PASSING, Wanted, follow
from serving.releases.release import Release
from serving.releases.watched_server import WatchedServer


def send(
    servers: Sequence[WatchedServer],
    config: model_server_config_pb2.ModelServerConfig,
    seconds: float,
    *,
    to_all: bool = False,
) -> None:
    """Sends a config to servers, one after the other.

    Args:
        servers: that shall take it over.
        config: all of a server's models.
        seconds: for all servers together.
        to_all: a server that fails does not keep the config from the others; of the failures, only
            a refusal is raised, in the end.

    Raises:
        RequestError: a server does not take it over.
    """
    deadline = time.monotonic() + seconds
    refusal: RequestError | None = None
    for server in servers:
        try:
            server.push(config, _left(deadline))
        except RequestError as error:
            if not to_all:
                raise
            if error.code not in PASSING:
                refusal = error
    if refusal:
        raise refusal


def bring_up(
    servers: Sequence[WatchedServer],
    config: model_server_config_pb2.ModelServerConfig,
    model: str,
    seconds: float,
) -> None:
    """Sends a config to servers that may have none of it: what came before did not reach them.

    Or they were started again from a file of their own. The labels of the model come after the
    versions that they point to: earlier, a server would refuse them.

    Args:
        servers: that shall take it over.
        config: all of a server's models.
        model: the one whose versions must be loaded.
        seconds: for all servers together.

    Raises:
        UserError: a server does not take it over, or a version does not load.
    """
    release = config_file.release_of(config, model)
    if release is None:
        return
    deadline = time.monotonic() + seconds
    for server in servers:
        held = {label: server.version_of(label) for label in release.labels}
        if held != release.labels:
            early = Release(release.versions, {}).labelled(**held)
            staged = model_server_config_pb2.ModelServerConfig()
            staged.CopyFrom(config)
            config_file.set_release(staged, model, early)
            server.push(staged, _left(deadline))
            loaded = Wanted(early, required=set(release.labels.values()), exactly=False)
            follow([server], loaded, timeout=_left(deadline))
        server.push(config, _left(deadline))


def _left(deadline: float) -> float:
    """Seconds until a time, at least so many that a call can be made."""
    return max(deadline - time.monotonic(), 1.0)
