"""What can be asked of a hashtag model: a signature, its inputs, and how to read its outputs.

All clients share these and differ only in how they send them. Inputs and outputs are columns, lists
of plain Python values with one for each example, so that asking for hashtags imports no NumPy.
"""

import math
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from serving.client.answers import Hashtag, HashtagEmbeddings, Prediction, ServedFact
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS
from tagkeras.data.user import User

if TYPE_CHECKING:
    import numpy.typing as npt

AnswerT = TypeVar("AnswerT")
ItemT = TypeVar("ItemT")

Image = bytes | str | os.PathLike[str]
# Of an input; -1 for a dimension of any size.
Shape = tuple[int, ...]
# Numbers or rows of numbers (all equally long), texts or bytes.
Column = Sequence[float] | Sequence[Sequence[float]] | Sequence[str] | Sequence[bytes]


# Inputs that are no facts of a user.
CONTENT = frozenset(("image", "descriptor"))


class Input(NamedTuple):
    """What a signature says of an input."""

    is_text: bool
    shape: Shape

    @property
    def unknown(self) -> float | str:
        """The value that stands for "unknown", if it is a fact."""
        return "" if self.is_text else math.nan


# The inputs of signatures, by the names of both.
Signatures = Mapping[str, Mapping[str, Input]]


class Answered(NamedTuple):
    """A model's answer: the version that gave it, and its outputs by name."""

    model: str
    version: int
    outputs: Mapping[str, list[Any]]


class Question(NamedTuple, Generic[AnswerT]):
    """One call of a model.

    Attributes:
        signature: the SignatureDef to run.
        inputs: a column for each of its inputs.
        outputs: names of the outputs that are read.
        reader: turns them into the typed answer.
        tells_version: whether the typed answer names the version.
    """

    signature: str
    inputs: Mapping[str, Column]
    outputs: tuple[str, ...]
    reader: Callable[[Answered], AnswerT]
    tells_version: bool = False

    def read(self, answered: Answered) -> AnswerT:
        """The typed answer; `UserError` if an output is missing."""
        for name in self.outputs:
            if name not in answered.outputs:
                raise UserError(
                    f"the model answered without {name!r} ({', '.join(sorted(answered.outputs))}):"
                    " it is not a hashtag model as tagkeras.export writes it"
                )
        return self.reader(answered)


def hashtags(images: Sequence[Image], users: Sequence[User]) -> Question[list[Prediction]]:
    """Asks for the hashtags of images for users; `UserError` if they cannot be paired."""
    return _hashtags("serving_default", _image_inputs(images, users))


def hashtags_of_descriptors(
    descriptors: "npt.ArrayLike", users: Sequence[User]
) -> Question[list[Prediction]]:
    """Asks for the hashtags of image descriptors [B, n] for users."""
    return _hashtags("descriptor", _descriptor_inputs(descriptors, users))


def image_embedding(
    images: "Sequence[Image] | npt.NDArray[Any]", users: Sequence[User]
) -> "Question[npt.NDArray[Any]]":
    """Asks for the embeddings of images, or of image descriptors in an array [B, n], for users."""
    import numpy as np

    if isinstance(images, np.ndarray):
        inputs = _descriptor_inputs(images, users)
    else:
        inputs = _image_inputs(images, users)
    return Question("image_embedding", inputs, ("embedding",), _embedding)


def user_embedding(users: Sequence[User]) -> "Question[npt.NDArray[Any]]":
    """Asks for the embeddings of users."""
    if not users:
        raise UserError("no users to ask for")
    return Question("user_embedding", fact_columns(users), ("embedding",), _embedding)


def hashtag_embedding(names: Sequence[str]) -> Question[HashtagEmbeddings]:
    """Asks for the embeddings of hashtags."""
    if isinstance(names, str) or not names:
        raise UserError(f"hashtags must be a list of one or more, got {names!r}")
    inputs = {"hashtag": [name.removeprefix("#") for name in names]}
    return Question("hashtag_embedding", inputs, ("embedding", "known"), _hashtag_embeddings)


def facts_taken(signatures: Signatures) -> list[ServedFact]:
    """The facts that a model takes: any input of one that has the signature `facts`."""
    inputs = signatures.get("serving_default", {})
    names = inputs.keys() - CONTENT
    if "facts" not in signatures:  # of an earlier export, or not of tagkeras
        names &= {fact.name for fact in FACTS}
    return [ServedFact(name, inputs[name].is_text) for name in inputs if name in names]


def facts(taken: Sequence[ServedFact]) -> Question[list[ServedFact]]:
    """Asks a model that has the signature `facts` what it knows of those that it takes."""

    def read(answered: Answered) -> list[ServedFact]:
        rows = zip(taken, answered.outputs["tells"], answered.outputs["values"], strict=True)
        return [
            fact._replace(tells=tells, values=tuple(filter(None, values)))
            for fact, tells, values in rows
        ]

    return Question("facts", {"fact": [fact.name for fact in taken]}, ("tells", "values"), read)


def fact_columns(users: Sequence[User]) -> dict[str, Column]:
    """A column for each of `FACTS`, which every model takes, and each other fact that is told.

    Unknown ones are NaN and "", as models expect them.
    """
    known = [user.facts for user in users]
    told = [(name, value) for one in known for name, value in one.items() if value is not None]
    unknown = {fact.name: fact.unknown for fact in FACTS}
    unknown |= {name: "" if isinstance(value, str) else math.nan for name, value in told}
    columns: dict[str, Any] = {}
    for name, nothing in unknown.items():
        values = [one.get(name) for one in known]
        columns[name] = [nothing if value is None else value for value in values]
    return columns


def as_texts(column: Sequence[float | str]) -> list[str]:
    """A fact's values as the signatures `text_facts` and `descriptor_text_facts` take them."""
    return [
        value if isinstance(value, str) else "" if math.isnan(value) else f"{value:.9g}"
        for value in column
    ]


def read_image(image: Image) -> bytes:
    """An encoded image as it is, or the contents of a file; `UserError` if it cannot be read."""
    if isinstance(image, bytes):
        return image
    if not isinstance(image, (str, os.PathLike)):
        raise UserError(
            f"an image must be encoded bytes or the path of a file, got {type(image).__name__}"
        )
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the image {image}: {error.strerror}") from error


def nearest_float32(number: float) -> float:
    """The float32 next to a number, without the time that it takes to import NumPy."""
    (rounded,) = struct.unpack("f", struct.pack("f", number))
    return float(rounded)


def _hashtags(signature: str, inputs: Mapping[str, Column]) -> Question[list[Prediction]]:
    return Question(signature, inputs, ("hashtags", "scores"), _predictions, tells_version=True)


def _image_inputs(images: Sequence[Image], users: Sequence[User]) -> dict[str, Column]:
    if isinstance(images, (bytes, str, os.PathLike)):
        raise UserError("images must be a list, got a single image; write [image]")
    encoded, users = _paired([read_image(image) for image in images], users, "images")
    return {"image": encoded, **fact_columns(users)}


def _descriptor_inputs(descriptors: "npt.ArrayLike", users: Sequence[User]) -> dict[str, Column]:
    import numpy as np

    try:
        array = np.asarray(descriptors, np.float32)
    except (ValueError, TypeError) as error:
        raise UserError(f"descriptors must be numbers, an array [B, n]: {error}") from error
    if array.ndim != 2:
        raise UserError(f"descriptors must be an array [B, n], got shape {array.shape}")
    rows, users = _paired(array.tolist(), users, "descriptors")
    return {"descriptor": rows, **fact_columns(users)}


def _paired(
    items: list[ItemT], users: Sequence[User], what: str
) -> tuple[list[ItemT], Sequence[User]]:
    """Repeats a single item or a single user to the length of the other."""
    if not items or not users:
        raise UserError(f"no {what} to ask about" if not items else "no users to ask for")
    if len(items) == 1:
        items = items * len(users)
    elif len(users) == 1:
        users = list(users) * len(items)
    if len(items) != len(users):
        raise UserError(
            f"{len(items)} {what} and {len(users)} users: give as many of both, or one of either"
        )
    return items, users


def _predictions(answered: Answered) -> list[Prediction]:
    rows = zip(answered.outputs["hashtags"], answered.outputs["scores"], strict=True)
    return [
        Prediction(
            answered.model,
            answered.version,
            # Scores are float32, of which JSON has only the leading digits.
            tuple(map(Hashtag, tags, map(nearest_float32, scores))),
        )
        for tags, scores in rows
    ]


def _embedding(answered: Answered) -> "npt.NDArray[Any]":
    import numpy as np

    return np.array(answered.outputs["embedding"], np.float32)


def _hashtag_embeddings(answered: Answered) -> HashtagEmbeddings:
    import numpy as np

    return HashtagEmbeddings(_embedding(answered), np.array(answered.outputs["known"], np.bool_))
