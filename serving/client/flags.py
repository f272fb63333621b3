"""The flags of commands that ask a server, and the file of users that one of them names."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.client.tls import Tls
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

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
        """A client of the gRPC API or, for a URL, the REST API; `UserError` for a bad flag."""
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


def read_users(path: str | os.PathLike[str]) -> list[User]:
    """Reads users from JSON Lines: `name` and facts, each of which may be null or absent.

    A line that is not a user is a `UserError` that names it; so is a file without users.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the users of {path}: {error}") from error
    users = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise UserError("not a JSON object")
            users.append(make_user(fields))
        except (json.JSONDecodeError, UserError) as error:
            raise UserError(f"{path}, line {number}: {error}") from error
    if not users:
        raise UserError(f"{path} has no users; write one JSON object a line, such as {{}}")
    return users


def make_user(fields: Mapping[str, Any]) -> User:
    """A user of whom facts are told by their names, and perhaps a `name`."""
    own = {field.name for field in dataclasses.fields(User)} - {"more"}
    more = {name: value for name, value in fields.items() if name not in own}
    return User(**{name: value for name, value in fields.items() if name in own}, more=more)
