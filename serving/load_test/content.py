"""What the requests of a load test ask about: photos or descriptors, and users."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from serving.client.answers import ServedFact
from serving.client.questions import Column, Input, as_texts, fact_columns
from serving.client.told_facts import fit
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


def sample_users(facts: Sequence[ServedFact]) -> list[User]:
    """A few users who tell of a model's facts: nothing, or something of all of them."""
    users = []
    for number, user in enumerate(_USERS):
        more: dict[str, float | str] = {}
        for fact in facts:
            if user is not UNKNOWN_USER and fact.name not in user.facts:
                texts = fact.values or ("sample",)
                more[fact.name] = texts[number % len(texts)] if fact.is_text else float(number)
        users.append(dataclasses.replace(user, more=more))
    return fit(users, facts).heard


def make_requests(
    inputs: Mapping[str, Input],
    facts: Sequence[ServedFact],
    batch: int,
    images: Sequence[bytes] | None = None,
    users: Sequence[User] | None = None,
) -> list[dict[str, Column]]:
    """Requests of `batch` images (or descriptors) for a signature with these `inputs`.

    All images (encoded; None to generate photos or descriptors, whichever the model takes) and
    users (None for a few sample users, who tell the model's `facts`) come up in them. `UserError`
    if the signature takes something else, or no images though some are given.
    """
    if images is not None and "image" not in inputs:
        raise UserError(f"the signature takes no images, but {', '.join(sorted(inputs))}")
    rng = np.random.default_rng(0)
    users = sample_users(facts) if users is None else fit(users, facts).heard
    longest = max(len(images or ()), len(users))
    if images is None and "image" in inputs:
        images = [_draw_photo(rng) for _ in range(_NUM_REQUESTS)]
    requests = []
    for first in range(0, max(_NUM_REQUESTS * batch, longest), batch):
        items = range(first, first + batch)
        known: dict[str, Any] = fact_columns([users[item % len(users)] for item in items])
        if images is not None:
            known["image"] = [images[item % len(images)] for item in items]
        if "descriptor" in inputs:
            size = inputs["descriptor"].shape[1]
            known["descriptor"] = rng.normal(size=(batch, size)).tolist()
        for name in inputs.keys() & {fact.name for fact in facts}:
            column = known.get(name, [inputs[name].unknown] * batch)
            known[name] = as_texts(column) if inputs[name].is_text else column
        try:
            requests.append({name: known[name] for name in inputs})
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
