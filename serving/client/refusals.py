"""What a server finds wrong with a request for hashtags, told apart by its words."""

import dataclasses
import enum
import re

# What exported graphs (the place in the request, then the fault) and decoders say of images.
_PLACE = re.compile(r"(?:assertion failed: \[)?image \d+: ([^\]]*)\]?")
_DECODER = re.compile(r"image file format|\b(JPEG|PNG|GIF|BMP|bmp|WebP)\b")
_LIMIT = re.compile(r"more than \d+ \w+")
# Over gRPC and over REST.
_DESCRIPTOR_MISSING = re.compile(r"(Signature input alias|Missing named input): descriptor\b")
_UNKNOWN_LABEL = re.compile(r"Unrecognized servable version label: *(.*)")
_FULL = re.compile(r"queue\b.* is full\b")


class Cause(enum.Enum):
    """What of a request is refused."""

    IMAGE = "the image"
    DESCRIPTOR = "a descriptor that is not there, since the model takes no images"
    OTHER = "something else"


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why a request for the hashtags of one image is refused.

    Attributes:
        cause: what is wrong with it.
        words: the server's, one line, without the image's place in the request.
        limit: such as `more than 100 pixels`, for an image beyond a limit; or else "".
    """

    cause: Cause
    words: str
    limit: str = ""


def read(message: str) -> Refusal:
    """Makes out what the words of an INVALID_ARGUMENT complain of."""
    line = message.strip().split("\n")[0]
    words = _PLACE.sub(r"\1", line)
    if words != line or _DECODER.search(line):
        limit = _LIMIT.search(words) if words != line else None
        return Refusal(Cause.IMAGE, words, limit[0] if limit else "")
    if _DESCRIPTOR_MISSING.search(line):
        return Refusal(Cause.DESCRIPTOR, words)
    return Refusal(Cause.OTHER, words)


def queue_is_full(message: str) -> bool:
    """Whether the words of an UNAVAILABLE come from a server that has too much to do."""
    return _FULL.search(message) is not None


def unknown_label(message: str) -> str:
    """The version label that an INVALID_ARGUMENT says there is not; "" if it says no such thing."""
    found = _UNKNOWN_LABEL.search(message)
    return found[1].strip() if found else ""
