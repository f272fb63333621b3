"""What can be asked of a hashtag model: a signature, its inputs, and how to read its outputs.

The clients share these and differ only in how they send one. Outputs too are columns, so that
nothing heavy is imported to ask for hashtags.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from serving.client import columns, float32
from serving.client.answers import Hashtag, HashtagEmbeddings, Prediction
from serving.client.columns import Column, Image
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

if TYPE_CHECKING:
    import numpy.typing as npt

AnswerT = TypeVar("AnswerT")


@dataclasses.dataclass(frozen=True)
class Answered:
    """A model's answer: the version that gave it, and its outputs by name."""

    model: str
    version: int
    outputs: Mapping[str, list[Any]]


@dataclasses.dataclass(frozen=True)
class Question(Generic[AnswerT]):
    """One call of a model.

    Attributes:
        signature: the SignatureDef to run.
        inputs: a column for each of its inputs.
        outputs: names of the outputs that are read.
        reader: makes the typed answer of them.
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
                    " it is no hashtag model as tagkeras.export writes it"
                )
        return self.reader(answered)


def hashtags(images: Sequence[Image], users: Sequence[User]) -> Question[list[Prediction]]:
    """The hashtags of images for users; see `BlockingClient.predict`."""
    return _hashtags("serving_default", columns.of_images(images, users))


def hashtags_of_descriptors(
    descriptors: "npt.ArrayLike", users: Sequence[User]
) -> Question[list[Prediction]]:
    """The same of image descriptors [B, n]."""
    return _hashtags("descriptor", columns.of_descriptors(descriptors, users))


def image_embedding(
    images: "Sequence[Image] | npt.NDArray[Any]", users: Sequence[User]
) -> "Question[npt.NDArray[Any]]":
    """The embeddings of images, or of image descriptors in an array [B, n], for users."""
    import numpy as np

    if isinstance(images, np.ndarray):
        inputs = columns.of_descriptors(images, users)
    else:
        inputs = columns.of_images(images, users)
    return Question("image_embedding", inputs, ("embedding",), _embedding)


def user_embedding(users: Sequence[User]) -> "Question[npt.NDArray[Any]]":
    """The embeddings of users."""
    if not users:
        raise UserError("no users to ask for")
    return Question("user_embedding", columns.of_users(users), ("embedding",), _embedding)


def hashtag_embedding(names: Sequence[str]) -> Question[HashtagEmbeddings]:
    """The embeddings of hashtags."""
    if isinstance(names, str) or not names:
        raise UserError(f"hashtags must be a list of one or more, got {names!r}")
    inputs = {"hashtag": [name.removeprefix("#") for name in names]}
    return Question("hashtag_embedding", inputs, ("embedding", "known"), _hashtag_embeddings)


def _hashtags(signature: str, inputs: Mapping[str, Column]) -> Question[list[Prediction]]:
    return Question(signature, inputs, ("hashtags", "scores"), _predictions, tells_version=True)


def _predictions(answered: Answered) -> list[Prediction]:
    rows = zip(answered.outputs["hashtags"], answered.outputs["scores"], strict=True)
    return [
        Prediction(
            answered.model,
            answered.version,
            tuple(
                # The model's numbers are float32, of which JSON has only the leading digits.
                Hashtag(tag, float32.nearest(score))
                for tag, score in zip(tags, scores, strict=True)
            ),
        )
        for tags, scores in rows
    ]


def _embedding(answered: Answered) -> "npt.NDArray[Any]":
    import numpy as np

    return np.array(answered.outputs["embedding"], np.float32)


def _hashtag_embeddings(answered: Answered) -> HashtagEmbeddings:
    import numpy as np

    return HashtagEmbeddings(_embedding(answered), np.array(answered.outputs["known"], np.bool_))
