"""The client that an address asks for: of the gRPC API, or of the REST API."""

from typing import TYPE_CHECKING

from serving.client.retries import MAX_ATTEMPTS
from serving.client.tls import Tls

if TYPE_CHECKING:
    from serving.client.blocking_client import BlockingClient


def connect(
    server: str,
    model: str,
    *,
    version: int | None = None,
    version_label: str | None = None,
    timeout: float = 30.0,
    attempts: int = MAX_ATTEMPTS,
    tls: Tls | None = None,
) -> "BlockingClient":
    """A client of a served model.

    Args:
        server: `host:port` of the gRPC API, or the URL (http://, https://) of the REST API.
        model: the model's name.
        version: as of `ModelClient`, like the arguments after it.
        version_label: the version with this label, instead of `version`.
        timeout: seconds that a call may take, repeats included.
        attempts: how often a call is tried while the server is unavailable.
        tls: encrypt the connection, with these files.

    Raises:
        UserError: the address or another argument cannot be.
    """
    return _client_class(server)(
        server,
        model,
        version=version,
        version_label=version_label,
        timeout=timeout,
        attempts=attempts,
        tls=tls,
    )


def _client_class(server: str) -> "type[BlockingClient]":
    if server.startswith(("http://", "https://")):
        from serving.client.rest_hashtag_client import RestHashtagClient

        return RestHashtagClient
    from serving.client.hashtag_client import HashtagClient  # takes seconds to import

    return HashtagClient
