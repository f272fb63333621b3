"""What the clients answer and raise, over whichever API."""

import dataclasses
import enum
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tagkeras.cli.errors import UserError

if TYPE_CHECKING:  # answers without embeddings do not need NumPy
    import numpy.typing as npt

# What exported graphs (the place in the request, then the fault) and decoders say of images.
_PLACE = re.compile(r"(?:assertion failed: \[)?image \d+: ([^\]]*)\]?")
_DECODER = re.compile(r"image file format|\b(JPEG|PNG|GIF|BMP|bmp|WebP)\b")
_LIMIT = re.compile(r"more than \d+ \w+")
# Over gRPC and over REST.
_DESCRIPTOR_MISSING = re.compile(r"(Signature input alias|Missing named input): descriptor\b")
_FULL = re.compile(r"queue\b.* is full\b")


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


class ServedFact(NamedTuple):
    """A fact of users that a model takes.

    Attributes:
        name: of the input.
        is_text: whether it is a text; otherwise a number.
        tells: whether the posts that it learned from differ in it; otherwise it changes no answer.
        values: those that it tells apart, of a category; empty if any text or number may be told.
    """

    name: str
    is_text: bool
    tells: bool = True
    values: tuple[str, ...] = ()


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


class Refusal(NamedTuple):
    """Why a request for the hashtags of one image is refused.

    Attributes:
        words: the server's, one line, without the image's place in the request.
        of_image: whether the image is at fault.
        of_descriptor: whether the descriptor is missing, since the model takes no images.
        limit: such as `more than 100 pixels`, for an image beyond a limit; otherwise "".
    """

    words: str
    of_image: bool = False
    of_descriptor: bool = False
    limit: str = ""


def read_refusal(message: str) -> Refusal:
    """Interprets the message of an INVALID_ARGUMENT."""
    line = message.strip().split("\n")[0]
    words = _PLACE.sub(r"\1", line)
    if words != line or _DECODER.search(line):
        limit = _LIMIT.search(words) if words != line else None
        return Refusal(words, of_image=True, limit=limit[0] if limit else "")
    return Refusal(words, of_descriptor=_DESCRIPTOR_MISSING.search(line) is not None)


def queue_is_full(message: str) -> bool:
    """Whether the message of an UNAVAILABLE is that of an overloaded server."""
    return _FULL.search(message) is not None
