"""What the requests of a load test ask about: photos or descriptors, and users."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from serving.client.base import Shape
from serving.client.questions import Column, fact_columns
from tagkeras.cli.errors import UserError
from tagkeras.data.user import UNKNOWN_USER, User

# Different requests, sent over and over.
_NUM_REQUESTS = 32
_USERS = (
    UNKNOWN_USER,
    User(age=34, gender="female", country="GB", latitude=51.5, longitude=-0.1),
    User(age=19, gender="male", country="US", latitude=39.7, longitude=-105.0),
    User(country="AU"),
)


def make_requests(
    shapes: Mapping[str, Shape],
    batch: int,
    images: Sequence[bytes] | None = None,
    users: Sequence[User] | None = None,
) -> list[dict[str, Column]]:
    """Inputs of requests of `batch` images (or descriptors) for a signature's inputs and `shapes`.

    All images (encoded; None to generate photos or descriptors, whichever the model takes) and
    users (None for a few sample users) come up in them. `UserError` if the signature takes
    something else, or no images though some are given.
    """
    if images is not None and "image" not in shapes:
        raise UserError(f"the signature takes no images, but {', '.join(sorted(shapes))}")
    rng = np.random.default_rng(0)
    users = users or _USERS
    longest = max(len(images or ()), len(users))
    if images is None and "image" in shapes:
        images = [_draw_photo(rng) for _ in range(_NUM_REQUESTS)]
    requests = []
    for first in range(0, max(_NUM_REQUESTS * batch, longest), batch):
        items = range(first, first + batch)
        inputs: dict[str, Any] = fact_columns([users[item % len(users)] for item in items])
        if images is not None:
            inputs["image"] = [images[item % len(images)] for item in items]
        if "descriptor" in shapes:
            inputs["descriptor"] = rng.normal(size=(batch, shapes["descriptor"][1])).tolist()
        try:
            requests.append({name: inputs[name] for name in shapes})
        except KeyError as error:
            raise UserError(
                f"the signature takes {error}, which a load test cannot make up; choose one of "
                "images or descriptors by --signature"
            ) from error
    return requests


def _draw_photo(rng: np.random.Generator) -> bytes:
    """A JPEG of colours at random, about as large as a photo of its size."""
    pixels = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((480, 480)).save(buffer, "jpeg", quality=90)
    return buffer.getvalue()
