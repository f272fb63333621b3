"""What the page says, in plain words, when there are no hashtags to show."""

from serving.clients.answers import RequestError, StatusCode
from serving.demonstration.photos import NOT_A_PHOTO

NO_PHOTO = "Choose a photo above, or drop one of your own."
_IMAGE_WORDS = ("image", "jpeg", "png", "gif", "bmp", "webp")


def is_about_the_photo(error: RequestError) -> bool:
    """Whether the server complains of the photo, and not of the rest of the request."""
    if error.code is not StatusCode.INVALID_ARGUMENT or _lacks_an_input(error):
        return False
    return any(word in error.details.lower() for word in _IMAGE_WORDS)


def explain(error: RequestError, server: str, model: str) -> str:
    """Why the server at an address gave no hashtags of a model, and what can be done."""
    if is_about_the_photo(error):
        return NOT_A_PHOTO
    words = error.details.strip().split("\n")[0][:200]
    match error.code:
        case StatusCode.UNAVAILABLE if "certificate" in words.lower():
            return f"The model server at {server} cannot be trusted: check the TLS files. ({words})"
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
        case StatusCode.INVALID_ARGUMENT if _lacks_an_input(error) and "descriptor" in words:
            return f"The model {model!r} takes descriptors of images, not photos."
        case StatusCode.INVALID_ARGUMENT:
            return f"The model {model!r} does not understand what this page asks. ({words})"
        case StatusCode.RESOURCE_EXHAUSTED:
            return f"The model server at {server} has too much to do. Please try again in a while."
        case _:
            return f"The model server at {server} failed. ({error.code.name}: {words})"


def _lacks_an_input(error: RequestError) -> bool:
    return "input alias" in error.details or "named input" in error.details
