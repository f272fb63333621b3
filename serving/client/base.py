"""What the clients have in common: the model they ask, their methods and their errors."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from serving.client import questions
from serving.client.answers import (
    HashtagEmbeddings,
    Prediction,
    RequestError,
    ServedFact,
    StatusCode,
    queue_is_full,
)
from serving.client.questions import AnswerT, Image, Input, Question, Signatures
from serving.client.tls import Tls
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

if TYPE_CHECKING:
    import numpy.typing as npt

# The retry policy of all clients: exponential backoff while the server is UNAVAILABLE.
MAX_ATTEMPTS = 5  # the most that gRPC allows
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 0.8
BACKOFF = 2


@dataclasses.dataclass(eq=False)
class ModelClient(abc.ABC):
    """A client of one served model.

    Args:
        server: address of the API.
        model: the model's name.
        version: ask this version; by default the newest.
        version_label: ask the version with this label, instead of `version`.
        timeout: seconds that a call may take, retries included.
        attempts: how often a call is tried while the server is unavailable, 1 to 5.
        tls: encrypt the connection, with these files.

    Raises:
        UserError: an argument out of range, or an address that is not one of the API.
    """

    server: str
    model: str
    _: dataclasses.KW_ONLY
    version: int | None = None
    version_label: str | None = None
    timeout: float = 30.0
    attempts: int = MAX_ATTEMPTS
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if not self.model:
            raise UserError("the model's name is empty; give the name it is served under")
        if self.version is not None and self.version_label is not None:
            raise UserError("ask for a version or for a version label, not for both")
        if self.version is not None and self.version < 0:
            raise UserError(f"version {self.version} is negative; versions count from 0")
        if not self.timeout > 0:
            raise UserError(f"timeout must be more than 0 seconds, got {self.timeout:g}")
        if not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise UserError(f"attempts must be 1 to {MAX_ATTEMPTS}, got {self.attempts}")
        self._open()

    def error(self, code: StatusCode, details: str) -> RequestError:
        """The error of a failed call: one line with the cause and what to do about it."""
        words = details.strip().split("\n")[0]
        match code:
            case StatusCode.UNAVAILABLE if "certificate" in words.lower():
                message = (
                    f"{self.server} and this client do not trust each other; check the TLS files "
                    f"({words})"
                )
            case StatusCode.UNAVAILABLE if queue_is_full(words):
                message = f"{self.server} is overloaded; try again later ({words})"
            case StatusCode.UNAVAILABLE:
                # A server that refuses the client's certificate just closes the connection.
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

    def inputs_of(self, signature: str, signatures: Signatures) -> dict[str, Input]:
        """The inputs of a signature by name; `UserError` if the model does not have it."""
        if signature not in signatures:
            own = ", ".join(sorted(name for name in signatures if not name.startswith("__")))
            raise UserError(f"model {self.model!r} has no signature {signature!r}; it has {own}")
        return dict(signatures[signature])

    @abc.abstractmethod
    def _open(self) -> None:
        """Checks the address and prepares the connections."""


class BlockingClient(ModelClient):
    """Asks a served model for hashtags and embeddings. Thread-safe.

    Calls that find the server unavailable are retried after pauses of 0.1 s to 0.8 s (and up to a
    fifth more or less); other failures are not. Unknown facts of a user are sent as the model
    expects them (NaN, ""). Every method raises `RequestError` for a call that fails, and
    `UserError` for bad arguments, before anything is sent, and for a model that is not of tagkeras.

    See `ModelClient` for the arguments.
    """

    def predict(
        self, images: Sequence[Image], users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Hashtags of images for users, pairwise, in one call.

        Args:
            images: encoded (bytes) or paths of files; a single one is paired with every user.
            users: as many as images; a single one is paired with every image.

        Returns:
            A prediction for each pair.

        Raises:
            UserError: a file cannot be read, or there are neither equally many images and users
                nor one of either.
            RequestError: the call failed; an image that cannot be decoded fails it.
        """
        return self._ask(questions.hashtags(images, users))

    def predict_descriptors(
        self, descriptors: "npt.ArrayLike", users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Like `predict`, with image descriptors [B, n] in place of images."""
        return self._ask(questions.hashtags_of_descriptors(descriptors, users))

    def image_embedding(
        self, images: "Sequence[Image] | npt.NDArray[Any]", users: Sequence[User] = (User(),)
    ) -> "npt.NDArray[Any]":
        """The embeddings phi(x, u), float [B, d], of images and users.

        Args:
            images: as for `predict`; for a model of descriptors an array [B, n] of them.
            users: as for `predict`.
        """
        return self._ask(questions.image_embedding(images, users))

    def user_embedding(self, users: Sequence[User]) -> "npt.NDArray[Any]":
        """The learned user vectors, float [B, h] (multiplicative models only)."""
        return self._ask(questions.user_embedding(users))

    def hashtag_embedding(self, hashtags: Sequence[str]) -> HashtagEmbeddings:
        """The tag table's rows of hashtags, which may be written with or without `#`."""
        return self._ask(questions.hashtag_embedding(hashtags))

    def inputs(self, signature: str) -> dict[str, Input]:
        """The inputs of a signature by name, from the model's metadata; or `UserError`."""
        return self.inputs_of(signature, self.signatures())

    def facts(self, signatures: Signatures | None = None) -> list[ServedFact]:
        """The facts of users that the model takes, and what it knows of them.

        Args:
            signatures: the model's; by default they are asked for.
        """
        signatures = self.signatures() if signatures is None else signatures
        taken = questions.facts_taken(signatures)
        # Earlier exports cannot be asked.
        return self._ask(questions.facts(taken)) if "facts" in signatures else taken

    @abc.abstractmethod
    def signatures(self) -> Signatures:
        """The model's signatures, from its metadata."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abc.abstractmethod
    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        """Sends a question and reads the answer."""
