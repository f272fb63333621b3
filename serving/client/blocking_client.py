"""What the clients that wait for each answer have in common: their methods."""

import abc
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from serving.client import questions
from serving.client.answers import HashtagEmbeddings, Prediction
from serving.client.columns import Image
from serving.client.model_client import ModelClient
from serving.client.questions import AnswerT, Question
from tagkeras.data.user import User

if TYPE_CHECKING:
    import numpy.typing as npt


class BlockingClient(ModelClient):
    """Asks a served model for hashtags and embeddings. Thread-safe.

    Calls that find the server unavailable are repeated after growing pauses (0.1 s to 0.8 s, up to
    a fifth longer or shorter); others never. What is unknown of a user is sent as the model expects
    it (NaN, ""). Every method raises `RequestError` for a call that fails and `UserError` for
    arguments that cannot be, before anything is sent.

    See `ModelClient` for the arguments.
    """

    def predict(
        self, images: Sequence[Image], users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Hashtags of images for users, pairwise, in one call.

        Args:
            images: encoded images (bytes) or paths of image files; one is asked for every user.
            users: as many as images; one is asked about every image.

        Returns:
            A prediction for each pair.

        Raises:
            UserError: a file cannot be read, or the numbers of images and users do not go together.
            RequestError: the call failed; an image that cannot be decoded fails it.
        """
        return self._ask(questions.hashtags(images, users))

    def predict_descriptors(
        self, descriptors: "npt.ArrayLike", users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """As `predict`, with image descriptors [B, n] in place of images."""
        return self._ask(questions.hashtags_of_descriptors(descriptors, users))

    def image_embedding(
        self, images: "Sequence[Image] | npt.NDArray[Any]", users: Sequence[User] = (User(),)
    ) -> "npt.NDArray[Any]":
        """The embeddings phi(x, u), float [B, d], of images and users.

        Args:
            images: as for `predict`; for a model of ready descriptors an array [B, n] of them.
            users: as for `predict`.
        """
        return self._ask(questions.image_embedding(images, users))

    def user_embedding(self, users: Sequence[User]) -> "npt.NDArray[Any]":
        """The learned user vectors, float [B, h] (multiplicative models only)."""
        return self._ask(questions.user_embedding(users))

    def hashtag_embedding(self, hashtags: Sequence[str]) -> HashtagEmbeddings:
        """The tag table's rows of hashtags, which may be written with or without `#`."""
        return self._ask(questions.hashtag_embedding(hashtags))

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abc.abstractmethod
    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        """Sends a question and reads the answer."""
