"""The model that a client asks, and what it says when a call fails."""

import dataclasses

from serving.client import refusals
from serving.client.answers import RequestError, StatusCode
from serving.client.retries import MAX_ATTEMPTS
from serving.client.tls import Tls
from tagkeras.cli.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model, where it is served, and how patiently it is asked.

    Attributes:
        server: the address.
        model: the model's name.
        version: the version to ask; None for the newest.
        version_label: the label of the version to ask, instead of `version`.
        timeout: seconds that a call may take, repeats included.
        attempts: how often a call is tried while the server is unavailable.
        tls: None for a connection that is not encrypted (or, for REST, as the URL says).

    Raises:
        UserError: a value that cannot be, or version and label at once.
    """

    server: str
    model: str
    version: int | None
    version_label: str | None
    timeout: float
    attempts: int
    tls: Tls | None

    def __post_init__(self) -> None:
        if not self.model:
            raise UserError("the model's name is empty; give the name it is served by")
        if self.version is not None and self.version_label is not None:
            raise UserError("ask for a version or for a version label, not for both")
        if self.version is not None and self.version < 0:
            raise UserError(f"version {self.version} is negative; versions count from 0")
        if not self.timeout > 0:
            raise UserError(f"timeout must be more than 0 seconds, got {self.timeout:g}")
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise UserError(f"attempts must be 1 to {MAX_ATTEMPTS}, got {self.attempts}")

    def explained(self, code: StatusCode, details: str) -> RequestError:
        """The error of a failed call, in one line."""
        words = details.strip().split("\n")[0]
        match code:
            case StatusCode.UNAVAILABLE if "certificate" in words.lower():
                message = (
                    f"{self.server} and this client do not trust each other; check the TLS files "
                    f"({words})"
                )
            case StatusCode.UNAVAILABLE if refusals.queue_is_full(words):
                message = f"{self.server} has too much to do; try again in a while ({words})"
            case StatusCode.UNAVAILABLE:
                # How a server ends a connection that it does not admit.
                admits = ", and does it admit this client (TLS)" if "closed" in words else ""
                message = f"no server answers at {self.server}; is it running{admits}? ({words})"
            case StatusCode.DEADLINE_EXCEEDED:
                said = f" ({words})" if words else ""
                message = f"{self.server} did not answer within {self.timeout:g} s{said}"
            case StatusCode.NOT_FOUND:
                asked = "" if self.version is None else f" with version {self.version}"
                message = (
                    f"{self.server} serves no model {self.model!r}{asked}; "
                    f"check its name and versions ({words})"
                )
            case StatusCode.INVALID_ARGUMENT:
                message = f"the server refused the request: {words}"
            case _:
                message = f"the server failed with {code.name}: {words}"
        return RequestError(message, code, details)
