"""A served model as the load generator sees it, whichever API it has."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from serving.client.tls import Tls
from tagkeras.cli.errors import UserError

# Of a signature's input; -1 for a dimension that may have any size.
Shape = tuple[int, ...]
# Values of a request by input: float arrays, or object arrays of bytes.
Inputs = Mapping[str, npt.NDArray[Any]]

DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
UNAVAILABLE = "UNAVAILABLE"


class Outcome(NamedTuple):
    """How a request ended.

    Attributes:
        status: `OK`, the name of a gRPC status, or `HTTP` and a status code of HTTP.
        detail: what the server said to a request that failed.
    """

    status: str
    detail: str = ""


OK = Outcome("OK")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """What is asked, and how.

    Attributes:
        server: `host:port` of a gRPC API, `http://host:port` or `https://host:port` of a REST API.
        model: its name.
        signature: of the model.
        version: asked for; None for the newest.
        version_label: asked for, instead of `version`.
        timeout: seconds that a request may take.
        tls: for an encrypted connection; None for a plain one, or for https by the authorities
            that the system trusts.
        connections: to spread gRPC calls over; REST takes one for each request under way.
    """

    server: str
    model: str
    signature: str = "serving_default"
    version: int | None = None
    version_label: str | None = None
    timeout: float = 30.0
    tls: Tls | None = None
    connections: int = 1

    @property
    def is_rest(self) -> bool:
        """Whether `server` is a REST API."""
        return "://" in self.server


class Target(Protocol):
    """A connection to a served model that answers prepared requests."""

    async def input_shapes(self) -> dict[str, Shape]:
        """Shapes of the signature's inputs, as the server has them.

        Raises:
            UserError: no server answers, or it has no such model, version or signature.
        """

    def prepare(self, requests: Sequence[Inputs]) -> None:
        """Encodes requests once and for all."""

    async def send(self, number: int) -> Outcome:
        """Sends prepared request `number`, beginning anew after the last, and waits."""

    async def close(self) -> None:
        """Closes the connections."""


def missing_signature(endpoint: Endpoint, names: Iterable[str]) -> UserError:
    """The error of a model that has signatures of these names, but not the endpoint's."""
    own = ", ".join(sorted(name for name in names if not name.startswith("__")))
    return UserError(
        f"model {endpoint.model!r} has no signature {endpoint.signature!r}; it has {own}"
    )


def open_target(endpoint: Endpoint) -> Target:
    """A target of the API that the endpoint's server names; nothing is connected yet.

    Raises:
        UserError: the address, or a TLS file, is none.
    """
    if endpoint.is_rest:
        from serving.load_test.rest_target import RestTarget

        return RestTarget(endpoint)
    from serving.load_test.grpc_target import GrpcTarget

    return GrpcTarget(endpoint)
