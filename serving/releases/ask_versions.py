"""Asks two versions of a served model about the same posts."""

import time
from collections.abc import Sequence
from concurrent import futures
from pathlib import Path
from typing import NamedTuple

from serving.client.answers import Prediction, RequestError, StatusCode
from serving.client.blocking_client import BlockingClient
from serving.releases.labelled_posts import LabelledPost
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress

_TRIES = 10
_ABSENT = (
    StatusCode.UNAVAILABLE,
    StatusCode.NOT_FOUND,
    StatusCode.UNAUTHENTICATED,
    StatusCode.DEADLINE_EXCEEDED,
)


class Answer(NamedTuple):
    """What a version made of a post.

    Attributes:
        hashtags: best first; none of a request that failed.
        seconds: until the answer came.
        failure: the code of a request that failed, such as INTERNAL; "" of one that did not.
        details: what the server said of it.
    """

    hashtags: tuple[str, ...]
    seconds: float
    failure: str = ""
    details: str = ""


def resolve(client: BlockingClient, posts: Sequence[LabelledPost], name: str) -> int | None:
    """The version that answers a client now; None if it fails in a way that it can be blamed for.

    The question also opens the connection, which no latency shall hold.

    Args:
        client: of a version.
        posts: to ask about, until one of the first ten is answered: a bad image fails by itself.
        name: of the model and its version, for messages.

    Raises:
        UserError: there is no server, no such model, version or label, no such image, or no answer
            in time.
    """
    for post in posts[:_TRIES]:
        try:
            return _ask(client, post, _content(post))[0].version
        except RequestError as error:
            if "version label" in error.details:  # also if there is no such model
                raise UserError(
                    f"there is no {name}: check the model's name and the label ({error.details})"
                ) from error
            if error.code in _ABSENT:
                raise
    return None


def ask(
    clients: tuple[BlockingClient, BlockingClient],
    posts: Sequence[LabelledPost],
    *,
    threads: int,
) -> tuple[list[Answer], list[Answer]]:
    """Asks both versions about each post, one right after the other, in alternating order.

    Args:
        clients: of the two versions.
        posts: to ask about, one a request.
        threads: requests under way at the same time.

    Returns:
        An answer of each version for each post.

    Raises:
        UserError: an image cannot be read.
    """

    def both(number: int) -> tuple[Answer, Answer]:
        post = posts[number]
        content = _content(post)
        if number % 2:  # whoever comes second may find the server's caches warm
            second = _timed(clients[1], post, content)
            return _timed(clients[0], post, content), second
        return _timed(clients[0], post, content), _timed(clients[1], post, content)

    pairs: list[tuple[Answer, Answer]] = []
    pool = futures.ThreadPoolExecutor(threads)
    try:
        with progress("asking", len(posts), "posts") as advance:
            for pair in pool.map(both, range(len(posts))):
                pairs.append(pair)
                advance(1)
    finally:
        pool.shutdown(cancel_futures=True)
    return [first for first, _ in pairs], [second for _, second in pairs]


def _timed(client: BlockingClient, post: LabelledPost, content: bytes | None) -> Answer:
    started = time.perf_counter()
    try:
        (prediction,) = _ask(client, post, content)
    except RequestError as error:
        details = " ".join(error.details.split())
        return Answer((), time.perf_counter() - started, error.code.name, details)
    seconds = time.perf_counter() - started
    return Answer(tuple(tag.hashtag for tag in prediction.hashtags), seconds)


def _ask(client: BlockingClient, post: LabelledPost, content: bytes | None) -> list[Prediction]:
    if content is not None:
        return client.predict([content], [post.user])
    return client.predict_descriptors([post.descriptor], [post.user])


def _content(post: LabelledPost) -> bytes | None:
    """The image's bytes, read before a latency begins."""
    if post.image is None or isinstance(post.image, bytes):
        return post.image
    try:
        return Path(post.image).read_bytes()
    except OSError as error:
        raise UserError(
            f"post {post.post_id}: cannot read the image {post.image}: {error.strerror}"
        ) from error
