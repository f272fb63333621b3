"""Why a server refuses a request for hashtags, told by its words."""

import enum
import re
from typing import NamedTuple

# What exported graphs (the place in the request, then the fault) and decoders say of images.
_PLACE = re.compile(r"(?:assertion failed: \[)?image \d+: ([^\]]*)\]?")
_DECODER = re.compile(r"image file format|\b(JPEG|PNG|GIF|BMP|bmp|WebP)\b")
_LIMIT = re.compile(r"more than \d+ \w+")
# Over gRPC and over REST.
_DESCRIPTOR_MISSING = re.compile(r"(Signature input alias|Missing named input): descriptor\b")
_FULL = re.compile(r"queue\b.* is full\b")


class Cause(enum.Enum):
    """What is wrong with a request."""

    IMAGE = "the image"
    DESCRIPTOR = "the descriptor is missing, since the model takes no images"
    OTHER = "something else"


class Refusal(NamedTuple):
    """Why a request for the hashtags of one image is refused.

    Attributes:
        cause: what is wrong with it.
        words: the server's, one line, without the image's place in the request.
        limit: such as `more than 100 pixels`, for an image beyond a limit; otherwise "".
    """

    cause: Cause
    words: str
    limit: str = ""


def read(message: str) -> Refusal:
    """Interprets the message of an INVALID_ARGUMENT."""
    line = message.strip().split("\n")[0]
    words = _PLACE.sub(r"\1", line)
    if words != line or _DECODER.search(line):
        limit = _LIMIT.search(words) if words != line else None
        return Refusal(Cause.IMAGE, words, limit[0] if limit else "")
    return Refusal(Cause.DESCRIPTOR if _DESCRIPTOR_MISSING.search(line) else Cause.OTHER, words)


def queue_is_full(message: str) -> bool:
    """Whether the message of an UNAVAILABLE is that of an overloaded server."""
    return _FULL.search(message) is not None
