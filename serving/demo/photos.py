"""Photos of the page: those to begin with, and whether a file is a photo at all."""

import base64
import glob
import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from tagkeras.cli.errors import UserError

MAX_BYTES = 20 * 2**20
# A small file may be a large picture, of which the server keeps 3 bytes a pixel and more.
MAX_PIXELS = 25_000_000
MAX_EXAMPLES = 24
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")

_THUMBNAIL = 160  # pixels, twice what is shown: for screens with fine pixels
_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"}
# The brands of an ISO media file, bytes 8 to 12, that phones write.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"}

NOT_A_PHOTO = "This file is not a photo we can read. JPEG, PNG, GIF, BMP or WebP, please."
_HEIC = (
    "This is a HEIC or AVIF photo, which the model cannot read. Please save it as JPEG first (on "
    "an iPhone: Settings, Camera, Formats, Most Compatible)."
)
_TOO_LARGE = f"This file is too large. Please take one of at most {MAX_BYTES // 2**20} MB."
_TOO_MANY_PIXELS = (
    "This photo has too many pixels. Please make it smaller: at most "
    f"{MAX_PIXELS // 10**6} million pixels."
)
_GONE = "The photo has been deleted here, as all are after a while. Please choose it again."


class PhotoError(UserError):
    """A file that is no photo; the message is for the person who chose it."""


def read_photo(path: str | Path) -> bytes:
    """The bytes of a photo, of which the head has been looked at.

    Raises:
        PhotoError: the file is gone, too large, in no format that the model reads, or of more than
            `MAX_PIXELS`.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PhotoError(_TOO_LARGE)
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(_GONE) from error
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        raise PhotoError(_HEIC)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError as error:
        raise PhotoError(_TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise PhotoError(NOT_A_PHOTO) from error
    if width * height > MAX_PIXELS:
        raise PhotoError(_TOO_MANY_PIXELS)
    return data


def find_examples(photos: str | None) -> list[Path]:
    """The photos to begin with, by name; at most `MAX_EXAMPLES`.

    Args:
        photos: a folder, or a pattern such as `photos/*.jpg`; None for no photos.

    Raises:
        UserError: there are none, or one of them cannot be read.
    """
    if photos is None:
        return []
    if Path(photos).is_dir():
        found = [file for file in Path(photos).iterdir() if file.suffix.lower() in _SUFFIXES]
    else:
        found = [Path(file) for file in glob.glob(photos, recursive=True)]  # noqa: PTH207 - any folder
        found = [file for file in found if file.is_file()]
    if not found:
        raise UserError(f"--photos={photos} names no photos; give a folder of them or a pattern")
    chosen = sorted(found)[:MAX_EXAMPLES]
    for file in chosen:
        try:
            read_photo(file)
        except PhotoError as error:
            raise UserError(f"--photos: {file}: {error}") from error
    return chosen


def thumbnail(path: Path) -> str:
    """A small square of a photo, upright, as a data URL. `UserError` if it is damaged."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"--photos: {path}: {NOT_A_PHOTO}") from error
    buffer = io.BytesIO()
    ImageOps.fit(upright, (_THUMBNAIL, _THUMBNAIL)).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
