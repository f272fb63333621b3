"""The flags of commands that ask a server."""

import dataclasses
import os
from typing import TYPE_CHECKING

from serving.client.tls import Tls
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from serving.client.base import BlockingClient


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerFlags:
    """What the `Config` of a command that asks a server inherits."""

    server: str = option(
        "localhost:8500",
        help="host:port of the server's gRPC API, or http://host:port (https://) of its REST API",
    )
    model_name: str = option("default", help="name of the model")
    version: int | None = option(None, help="model version; the newest by default", minimum=0)
    label: str | None = option(None, help="version label such as canary, instead of --version")
    version_label: str | None = option(None, help="the same as --label")
    timeout: float = option(30.0, help="seconds to wait for an answer", minimum=0.001)
    tls: bool = option(
        False,
        help="encrypt gRPC and trust the well-known certificate authorities; --tls_ca and "
        "--tls_cert encrypt too, and so does https://",
    )
    tls_ca: str | None = option(None, help="PEM file of the certificate authorities to trust")
    tls_cert: str | None = option(None, help="PEM file of the client's certificate")
    tls_key: str | None = option(None, help="PEM file of the client certificate's private key")

    @property
    def is_rest(self) -> bool:
        """Whether `server` is a REST API."""
        return self.server.startswith(("http://", "https://"))

    def connect(self) -> "BlockingClient":
        """A client of the server's gRPC API or, if `server` is a URL, of its REST API.

        Raises:
            UserError: a bad address or another bad flag.
        """
        if self.label is not None and self.version_label is not None:
            raise UserError("--label and --version_label are the same; give one of them")
        files = {"ca": self.tls_ca, "certificate": self.tls_cert, "key": self.tls_key}
        return self._client_class()(
            self.server,
            self.model_name,
            version=self.version,
            version_label=self.version_label if self.label is None else self.label,
            timeout=self.timeout,
            tls=Tls(**files) if self.tls or any(files.values()) else None,
        )

    def _client_class(self) -> "type[BlockingClient]":
        if self.is_rest:
            from serving.client.rest_client import RestHashtagClient

            return RestHashtagClient
        # gRPC would log what errors say anyway. It reads this when it is imported.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from serving.client.grpc_client import HashtagClient

        return HashtagClient
