"""What the clients answer and raise, over whichever API."""

import dataclasses
import enum
from typing import TYPE_CHECKING, Any

from tagkeras.cli.errors import UserError

if TYPE_CHECKING:  # answers without embeddings do not need NumPy
    import numpy.typing as npt


class StatusCode(enum.Enum):
    """Why a call failed: the canonical codes, named and numbered as gRPC's."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclasses.dataclass(frozen=True)
class Hashtag:
    """A hashtag, without `#`, and its score (higher is better, not a probability)."""

    hashtag: str
    score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The hashtags of one image and user, best first, and the model version that answered."""

    model: str
    version: int
    hashtags: tuple[Hashtag, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class HashtagEmbeddings:
    """Rows of the tag table: `embedding` float [B, d]; `known` bool [B], in the vocabulary."""

    embedding: "npt.NDArray[Any]"
    known: "npt.NDArray[Any]"


class RequestError(UserError):
    """A call that failed, in one line that says what to do.

    Attributes:
        code: the cause, the same over gRPC and REST as far as HTTP tells causes apart.
        details: the server's (or the connection's) own words; empty if none came in time.
    """

    def __init__(self, message: str, code: StatusCode, details: str) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
