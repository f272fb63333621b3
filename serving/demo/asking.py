"""From a photo and two people to what the page shows."""

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from serving.client.answers import RequestError
from serving.demo import rendering, troubles
from serving.demo.people import Person
from serving.demo.photos import PhotoError, read_photo
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from serving.client.base import BlockingClient


@dataclasses.dataclass(frozen=True)
class RefusedPhoto:
    """A photo that the model cannot read; it is not asked about again.

    Attributes:
        path: of the photo.
        words: what is wrong with it.
    """

    path: str
    words: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows, as HTML.

    Attributes:
        answers: of each person.
        status: which model answered; "" if none did.
        notice: what is wrong; "" if nothing is.
        refused: the photo, if the model cannot read it.
    """

    answers: list[str]
    status: str = ""
    notice: str = ""
    refused: RefusedPhoto | None = None


class Asking:
    """Asks a served model what two people would put on a photo.

    Args:
        client: of the model.
        server: its address, for messages.
        model: its name, for messages.
    """

    def __init__(self, client: "BlockingClient", server: str, model: str) -> None:
        self._client = client
        self._server = server
        self._model = model

    def known(
        self, photo: str, people: Sequence[Person], refused: RefusedPhoto | None = None
    ) -> Shown | None:
        """What needs no request, or None.

        Args:
            photo: path of the photo; "" for none.
            people: who is asked about.
            refused: a photo that the model has refused before.
        """
        if not photo:
            return _nothing(people, troubles.NO_PHOTO)
        if refused is not None and refused.path == photo:
            return _refused(people, refused)
        return None

    def ask(self, photo: str, people: Sequence[Person]) -> Shown:
        """One request for all people; what goes wrong is told and never raised.

        Args:
            photo: path of the photo.
            people: who is asked about.
        """
        try:
            encoded = read_photo(photo)
            started = time.perf_counter()
            predictions = self._client.predict([encoded], [person.user for person in people])
            seconds = time.perf_counter() - started
        except PhotoError as error:
            return _nothing(people, troubles.ANOTHER_PHOTO, notice=str(error))
        except RequestError as error:
            if words := troubles.about_the_photo(error):
                return _refused(people, RefusedPhoto(photo, words))
            words = troubles.explain(error, self._server, self._model)
            return _nothing(people, troubles.NO_HASHTAGS, notice=words)
        except UserError as error:  # a person that cannot be
            return _nothing(people, troubles.NO_HASHTAGS, notice=str(error))
        first = predictions[0]
        hashtags = [prediction.hashtags for prediction in predictions]
        return Shown(
            answers=rendering.both_answers([person.words for person in people], hashtags),
            status=rendering.status(first.model, first.version, seconds, self._server, hashtags),
        )

    def put_off(self, people: Sequence[Person]) -> Shown:
        """In place of `ask` when too many ask at the same time."""
        return _nothing(people, troubles.NO_HASHTAGS, notice=troubles.CROWDED)


def _nothing(people: Sequence[Person], words: str, *, notice: str = "") -> Shown:
    return Shown(
        answers=[rendering.no_answer(person.words, words) for person in people],
        notice=rendering.notice(notice),
    )


def _refused(people: Sequence[Person], refused: RefusedPhoto) -> Shown:
    shown = _nothing(people, troubles.ANOTHER_PHOTO, notice=refused.words)
    return dataclasses.replace(shown, refused=refused)
