"""The inputs of a hashtag model as columns: lists of plain Python values, one for each example."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

if TYPE_CHECKING:
    import numpy.typing as npt

ItemT = TypeVar("ItemT")

Image = bytes | str | os.PathLike[str]
# Numbers (or lists of them, all equally long), texts or bytes.
Column = Sequence[float] | Sequence[Sequence[float]] | Sequence[str] | Sequence[bytes]


def of_images(images: Sequence[Image], users: Sequence[User]) -> dict[str, Column]:
    """Columns of encoded images, or of the files at paths, and of users.

    Raises:
        UserError: a file cannot be read, or the numbers of both do not go together.
    """
    if isinstance(images, (bytes, str, os.PathLike)):
        raise UserError("images must be a list, got a single image; write [image]")
    encoded, users = _paired([_image_bytes(image) for image in images], users, "images")
    return {"image": encoded, **of_users(users)}


def of_descriptors(descriptors: "npt.ArrayLike", users: Sequence[User]) -> dict[str, Column]:
    """Columns of image descriptors [B, n] and of users; `UserError` as for images."""
    import numpy as np

    try:
        array = np.asarray(descriptors, np.float32)
    except (ValueError, TypeError) as error:
        raise UserError(f"descriptors must be numbers, an array [B, n]: {error}") from error
    if array.ndim != 2:
        raise UserError(f"descriptors must be an array [B, n], got shape {array.shape}")
    rows, users = _paired(array.tolist(), users, "descriptors")
    return {"descriptor": rows, **of_users(users)}


def of_users(users: Sequence[User]) -> dict[str, Column]:
    """Columns of users; what is unknown stands there as the model expects it, as NaN and ""."""
    return {
        "age": [_number(user.age) for user in users],
        "gender": [user.gender or "" for user in users],
        "country": [user.country or "" for user in users],
        "latitude": [_number(user.latitude) for user in users],
        "longitude": [_number(user.longitude) for user in users],
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _image_bytes(image: Image) -> bytes:
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


def _paired(
    items: list[ItemT], users: Sequence[User], what: str
) -> tuple[list[ItemT], Sequence[User]]:
    """Repeats a lone item or a lone user to the length of the other."""
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
