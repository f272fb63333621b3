"""What the requests of a load test ask about: photos or descriptors, and users."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from serving.client.base import Shape
from serving.client.questions import Column, fact_columns
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, GENDERS, NumberFact
from tagkeras.data.user import User

# Different requests, sent over and over.
_NUM_REQUESTS = 32
_IMAGE_SIZE = 480
_COARSE_SIZE = 96
# What users are drawn from; numbers come from all of their range.
_TEXTS = {"gender": GENDERS, "country": ("US", "GB", "CA", "AU", "NZ")}
_UNKNOWN_SHARE = 0.2


def make_requests(
    shapes: Mapping[str, Shape],
    batch: int,
    images: Sequence[bytes] | None = None,
    users: Sequence[User] | None = None,
) -> list[dict[str, Column]]:
    """Inputs of requests for a signature; all images and users come up in them.

    Args:
        shapes: of the signature's inputs.
        batch: images (or descriptors) of a request.
        images: encoded; None to generate photos or descriptors, whichever the model takes.
        users: to ask for; None to draw some.

    Raises:
        UserError: the signature takes something else, or no images though some are given.
    """
    if images is not None and "image" not in shapes:
        raise UserError(f"the signature takes no images, but {', '.join(sorted(shapes))}")
    for name, shape in shapes.items():
        is_descriptor = name == "descriptor" and len(shape) == 2
        if not (is_descriptor or name in ("image", *(fact.name for fact in FACTS))):
            raise UserError(
                f"the signature takes {name!r}, which a load test cannot make up; choose one of "
                "images or descriptors by --signature"
            )
    rng = np.random.default_rng(0)
    longest = max(len(images or ()), len(users or ()))
    if images is None and "image" in shapes:
        images = [_draw_photo(rng) for _ in range(_NUM_REQUESTS)]
    users = users or [_draw_user(rng) for _ in range(2 * _NUM_REQUESTS)]
    requests = []
    for first in range(0, max(_NUM_REQUESTS * batch, longest), batch):
        items = range(first, first + batch)
        inputs: dict[str, Any] = fact_columns([users[item % len(users)] for item in items])
        if images is not None:
            inputs["image"] = [images[item % len(images)] for item in items]
        if "descriptor" in shapes:
            inputs["descriptor"] = rng.normal(size=(batch, shapes["descriptor"][1])).tolist()
        requests.append({name: inputs[name] for name in shapes})
    return requests


def _draw_photo(rng: np.random.Generator) -> bytes:
    """A JPEG of colours at random, about as large as a photo of its size."""
    pixels = rng.integers(0, 256, (_COARSE_SIZE, _COARSE_SIZE, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((_IMAGE_SIZE, _IMAGE_SIZE)).save(buffer, "jpeg", quality=90)
    return buffer.getvalue()


def _draw_user(rng: np.random.Generator) -> User:
    """A user some of whose facts are unknown."""
    facts: dict[str, Any] = {
        fact.name: rng.uniform(fact.low, fact.high)
        if isinstance(fact, NumberFact)
        else str(rng.choice(_TEXTS[fact.name]))
        for fact in FACTS
    }
    for names in (("age",), ("gender",), ("country",), ("latitude", "longitude")):
        if rng.random() < _UNKNOWN_SHARE:
            facts.update(dict.fromkeys(names))
    return User(**facts)
