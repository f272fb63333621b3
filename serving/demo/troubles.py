"""What the page says, in plain words, when there are no hashtags to show."""

import re

from serving.client import refusals
from serving.client.answers import RequestError, StatusCode
from serving.client.refusals import Cause
from serving.demo.photos import NOT_A_PHOTO

NO_PHOTO = "Choose a photo above, or drop one of your own."
ANOTHER_PHOTO = "Choose another photo above, or drop one of your own."
NO_HASHTAGS = "No hashtags just now."
CROWDED = "Too many people are asking at the moment. Please try again in a while."

_BUSY = "The model server at {server} has too much to do. Please try again in a while."


def about_the_photo(error: RequestError) -> str:
    """What the server finds wrong with the photo; "" if it complains of something else."""
    if error.code is not StatusCode.INVALID_ARGUMENT:
        return ""
    refusal = refusals.read(error.details)
    if refusal.cause is not Cause.IMAGE:
        return ""
    if refusal.limit:
        limit = re.sub(r"\d+", lambda number: f"{int(number[0]):,}", refusal.limit)
        return f"This photo has {limit}: the model takes none so large. Please make it smaller."
    return NOT_A_PHOTO


def explain(error: RequestError, server: str, model: str) -> str:
    """Why the server at an address gave no hashtags of a model, and what can be done."""
    words = error.details.strip().split("\n")[0][:200]
    match error.code:
        case StatusCode.UNAVAILABLE if "certificate" in words.lower():
            return f"The model server at {server} cannot be trusted: check the TLS files. ({words})"
        case StatusCode.UNAVAILABLE if refusals.queue_is_full(words):
            return _BUSY.format(server=server)
        case StatusCode.UNAVAILABLE:
            return (
                f"The model server at {server} does not answer. Is it running? We shall try again "
                "when you change something."
            )
        case StatusCode.DEADLINE_EXCEEDED:
            return (
                f"The model server at {server} took too long. We shall try again when you change "
                "something."
            )
        case StatusCode.NOT_FOUND:
            return f"The server at {server} has no such model as {model!r} now. ({words})"
        case StatusCode.INVALID_ARGUMENT:
            return about_the_photo(error) or _about_the_rest(error, model, words)
        case StatusCode.RESOURCE_EXHAUSTED:
            return _BUSY.format(server=server)
        case _:
            return f"The model server at {server} failed. ({error.code.name}: {words})"


def _about_the_rest(error: RequestError, model: str, words: str) -> str:
    if label := refusals.unknown_label(words):
        return (
            f"The model {model!r} has no version with the label {label!r} now: check "
            "--version_label, and the model's name."
        )
    if refusals.read(error.details).cause is Cause.DESCRIPTOR:
        return f"The model {model!r} takes descriptors of images, not photos."
    return f"The model {model!r} does not understand what this page asks. ({words})"
