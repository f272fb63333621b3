"""Questions of visitors to the model: a few at a time, while a bounded number waits."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.exceptions import HTTPException

from serving.client.answers import RequestError, ServedFact, StatusCode, read_refusal
from serving.demo.photos import NOT_A_PHOTO
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS
from tagkeras.data.user import User

if TYPE_CHECKING:
    from serving.client.base import BlockingClient

ResultT = TypeVar("ResultT")

PARALLEL, WAITING = 8, 64

CROWDED = "Too many people are asking at the moment. Please try again in a while."

_HTTP_STATUS = {
    StatusCode.UNAVAILABLE: 503,
    StatusCode.RESOURCE_EXHAUSTED: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}


class Questions:
    """Asks one model for all visitors; the client's calls block, so each runs in a thread."""

    def __init__(self, client: "BlockingClient") -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(PARALLEL, "question")
        self._turns = asyncio.Semaphore(PARALLEL)
        self._pending = 0

    async def ask(
        self, photo: bytes, users: Sequence[User], has_left: Callable[[], Awaitable[bool]]
    ) -> dict[str, Any]:
        """Asks the model about all users in one request, when it is this visitor's turn.

        The model is not asked if `has_left()`: the visitor has disconnected.

        Returns:
            The `model` and `version` that answered, the `milliseconds` it took, and in `answers`
            for each user a list of `hashtag` and `score`, best first.

        Raises:
            HTTPException: too many questions are waiting, or the call failed; `detail` is a
                message for the visitor. Status 415 if the model cannot read the photo.
        """
        return await self._in_turn(lambda: self._predict(photo, users), has_left)

    async def facts(self, has_left: Callable[[], Awaitable[bool]]) -> list[ServedFact]:
        """The facts that are worth telling the model; those of every model if it does not say."""
        try:
            facts = await self._in_turn(self._client.facts, has_left)
        except (UserError, HTTPException):
            return [ServedFact(fact.name, fact.is_text) for fact in FACTS]
        return [fact for fact in facts if fact.tells]

    async def _in_turn(
        self, call: Callable[[], ResultT], has_left: Callable[[], Awaitable[bool]]
    ) -> ResultT:
        if self._pending >= PARALLEL + WAITING:
            raise HTTPException(503, CROWDED)
        self._pending += 1
        try:
            async with self._turns:
                if await has_left():
                    raise HTTPException(503, CROWDED)  # nobody reads it
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._pending -= 1

    def _predict(self, photo: bytes, users: Sequence[User]) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            predictions = self._client.predict([photo], users)
        except RequestError as error:
            raise _explained(error) from error
        except UserError as error:  # the model is of another kind
            raise HTTPException(502, f"No hashtags just now: {error}") from error
        return {
            "model": predictions[0].model,
            "version": predictions[0].version,
            "milliseconds": round(1000 * (time.perf_counter() - started)),
            "answers": [
                [{"hashtag": tag.hashtag, "score": tag.score} for tag in prediction.hashtags]
                for prediction in predictions
            ],
        }


def _explained(error: RequestError) -> HTTPException:
    """A failed call as an HTTP error with a message for the visitor."""
    if error.code is StatusCode.INVALID_ARGUMENT:
        refusal = read_refusal(error.details)
        if refusal.limit:
            limit = re.sub(r"\d+", lambda number: f"{int(number[0]):,}", refusal.limit)
            words = f"This photo has {limit}, too many for the model. Please make it smaller."
            return HTTPException(415, words)
        if refusal.of_image:
            return HTTPException(415, NOT_A_PHOTO)
        if refusal.of_descriptor:
            return HTTPException(502, "This model takes descriptors of images, not photos.")
    details = error.details.strip().partition("\n")[0]
    # Without the server's own words, which the message ends with in parentheses.
    words = str(error).removesuffix(f" ({details})")
    return HTTPException(_HTTP_STATUS.get(error.code, 502), f"No hashtags just now: {words}")
