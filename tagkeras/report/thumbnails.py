"""Small copies of photos that live in the page itself."""

import base64
import dataclasses
import io

from PIL import Image, ImageOps, UnidentifiedImageError

# Pixels of the longer side: twice what the page shows, for screens with fine pixels.
SIZE = 480
_QUALITY = 80


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """A small copy of a photo.

    Attributes:
        uri: `data:image/jpeg;base64,...`.
        width: in pixels.
        height: in pixels.
    """

    uri: str
    width: int
    height: int


def make_thumbnail(content: bytes) -> Thumbnail:
    """A small upright JPEG of an image file, without the metadata of the photo.

    Args:
        content: of the file, of any format that Pillow reads.

    Raises:
        ValueError: it is no image, a damaged one, or one too large to be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (SIZE, SIZE))  # JPEGs are decoded to hardly more than is needed
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError("no image of a known format") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"it cannot be decoded ({error})") from error
    upright.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    upright.save(encoded, "JPEG", quality=_QUALITY, optimize=True)
    data = base64.b64encode(encoded.getvalue()).decode()
    return Thumbnail(f"data:image/jpeg;base64,{data}", *upright.size)
