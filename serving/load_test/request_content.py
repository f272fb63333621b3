"""What the requests of a load test ask about: photos or descriptors, and users."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from serving.load_test.target import Inputs, Shape
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

# Different requests, sent over and over.
_NUM_REQUESTS = 32
_IMAGE_SIZE = 480
_COARSE_SIZE = 24
_NUMBERS = ("age", "latitude", "longitude")
_WORDS = ("gender", "country")


@dataclasses.dataclass(frozen=True)
class RequestContent:
    """Photos and users to ask about, paired as they come round.

    Attributes:
        images: encoded; None to generate photos or descriptors, whichever the model takes.
        users: to ask for; None to draw some.
    """

    images: Sequence[bytes] | None = None
    users: Sequence[User] | None = None

    def requests(self, shapes: Mapping[str, Shape], batch: int) -> list[Inputs]:
        """Requests of `batch` items for a signature; all images and users come up in them.

        Args:
            shapes: of the signature's inputs.
            batch: items of a request.

        Raises:
            UserError: the signature takes something else, or no images though some are given.
        """
        if self.images is not None and "image" not in shapes:
            raise UserError(f"the signature takes no images, but {', '.join(sorted(shapes))}")
        rng = np.random.default_rng(0)
        longest = max(len(self.images or ()), len(self.users or ()))
        num_requests = max(_NUM_REQUESTS, -(-longest // batch))
        images, users = self.images, self.users
        if images is None and "image" in shapes:
            images = [_draw_photo(rng) for _ in range(_NUM_REQUESTS)]
        if users is None:
            users = [_draw_user(rng) for _ in range(_NUM_REQUESTS * 2)]
        requests: list[Inputs] = []
        for number in range(num_requests):
            items = range(number * batch, (number + 1) * batch)
            asked = [users[item % len(users)] for item in items]
            shown = None if images is None else [images[item % len(images)] for item in items]
            requests.append(
                {name: _values(name, shape, shown, asked, rng) for name, shape in shapes.items()}
            )
        return requests


def read_images(paths: Sequence[str]) -> list[bytes]:
    """The files' bytes.

    Raises:
        UserError: one cannot be read.
    """
    images = []
    for path in paths:
        try:
            images.append(Path(path).read_bytes())
        except OSError as error:
            raise UserError(f"cannot read the image {path}: {error.strerror}") from error
    return images


def _values(
    name: str,
    shape: Shape,
    images: Sequence[bytes] | None,
    users: Sequence[User],
    rng: np.random.Generator,
) -> npt.NDArray[Any]:
    """An input's values for a request of these users, and of these images or drawn descriptors."""
    if name == "image" and images is not None:
        return _strings(images)
    if name == "descriptor" and len(shape) == 2:
        return rng.normal(size=(len(users), shape[1])).astype(np.float32)
    if name in _NUMBERS:
        facts = [getattr(user, name) for user in users]
        return np.array([np.nan if fact is None else fact for fact in facts], np.float32)
    if name in _WORDS:
        return _strings([(getattr(user, name) or "").encode() for user in users])
    raise UserError(
        f"the signature takes {name!r}, which a load test cannot make up; choose one of images or "
        "descriptors by --signature"
    )


def _draw_photo(rng: np.random.Generator) -> bytes:
    """A JPEG of smooth colours with some grain, about as large as a photo of its size."""
    coarse = rng.integers(0, 256, (_COARSE_SIZE, _COARSE_SIZE, 3), dtype=np.uint8)
    size = (_IMAGE_SIZE, _IMAGE_SIZE)
    smooth = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = rng.normal(scale=6, size=smooth.shape)
    pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=80)
    return buffer.getvalue()


def _draw_user(rng: np.random.Generator) -> User:
    """A user of whom each fact is unknown once in five times."""

    def known() -> bool:
        return bool(rng.random() < 0.8)

    located = known()
    return User(
        age=float(rng.integers(13, 80)) if known() else None,
        gender=str(rng.choice(["female", "male", "other"])) if known() else None,
        country=str(rng.choice(["US", "GB", "CA", "AU", "NZ"])) if known() else None,
        latitude=float(rng.uniform(-60, 70)) if located else None,
        longitude=float(rng.uniform(-180, 180)) if located else None,
    )


def _strings(values: Sequence[bytes]) -> npt.NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array
