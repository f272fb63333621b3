"""The photos of the page: a gallery to choose from, and those that visitors send."""

import base64
import glob
import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from tagkeras.cli.errors import UserError

MAX_BYTES = 20 * 2**20
# Decoded, a photo takes the model server 3 bytes a pixel and more.
MAX_PIXELS = 25_000_000
MAX_GALLERY = 24
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
Image.MAX_IMAGE_PIXELS = None  # `MAX_PIXELS` takes the place of Pillow's own limit

NOT_A_PHOTO = "This file is not a photo we can read. JPEG, PNG, GIF, BMP or WebP, please."

_MAX_KEPT_BYTES = 256 * 2**20
_THUMBNAIL = 160  # pixels, twice what is shown: for screens with fine pixels
_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"}
# The brands of an ISO media file, bytes 8 to 12, that phones write.
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"}


class PhotoError(UserError):
    """A file that the page does not accept: a message for the visitor, and an HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Photos:
    """Photos that the model can be asked about, by the SHA-256 of their bytes.

    Those of the `gallery` are always there; `UserError` if one is no photo. Those that visitors
    send are kept in memory, the most recently used ones up to `max_bytes` together. Browsers send
    a photo again if it was dropped.
    """

    def __init__(self, gallery: Sequence[Path] = (), max_bytes: int = _MAX_KEPT_BYTES) -> None:
        self.gallery: dict[str, Path] = {}
        self.thumbnails: dict[str, str] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._max_bytes = max_bytes
        for path in gallery:
            try:
                data = path.read_bytes()
                check_photo(data)
                key = _key(data)
                self.thumbnails[key] = _thumbnail(data)
            except PhotoError as error:
                raise UserError(f"--photos: {path}: {error}") from error
            self.gallery[key] = path

    def add(self, data: bytes) -> str:
        """Keeps a visitor's photo and returns its key; raises as `check_photo`."""
        check_photo(data)
        key = _key(data)
        if key not in self._kept:
            self._kept[key] = data
            self._kept_bytes += len(data)
        self._kept.move_to_end(key)
        while self._kept_bytes > self._max_bytes:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return key

    def get(self, key: str) -> bytes | None:
        """The photo with a key; None if there is none, or none any more."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        path = self.gallery.get(key)
        return path.read_bytes() if path is not None and path.exists() else None


def check_photo(data: bytes) -> None:
    """Raises `PhotoError` for more than `MAX_BYTES` or `MAX_PIXELS`, or none of `FORMATS`."""
    if len(data) > MAX_BYTES:
        raise PhotoError(f"This photo is too large: at most {MAX_BYTES >> 20} MB, please.", 413)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        raise PhotoError(
            "This is a HEIC or AVIF photo, which the model cannot read. Please save it as JPEG "
            "first (on an iPhone: Settings, Camera, Formats, Most Compatible).",
            415,
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
    except (OSError, ValueError) as error:
        raise PhotoError(NOT_A_PHOTO, 415) from error
    if width * height > MAX_PIXELS:
        raise PhotoError(
            "This photo has too many pixels. Please make it smaller: at most "
            f"{MAX_PIXELS // 10**6} million pixels.",
            413,
        )


def find_gallery(photos: str | None) -> list[Path]:
    """The first photos, by name, of a folder or a pattern; `UserError` if there are none."""
    if photos is None:
        return []
    if Path(photos).is_dir():
        found = [file for file in Path(photos).iterdir() if file.suffix.lower() in _SUFFIXES]
    else:
        found = [Path(file) for file in glob.glob(photos, recursive=True)]  # noqa: PTH207 - any folder
        found = [file for file in found if file.is_file()]
    if not found:
        raise UserError(f"--photos={photos} names no photos; give a folder of them or a pattern")
    return sorted(found)[:MAX_GALLERY]


def _key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _thumbnail(data: bytes) -> str:
    """A small square of a photo, upright, as a data URL."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError) as error:
        raise PhotoError(NOT_A_PHOTO, 415) from error
    buffer = io.BytesIO()
    ImageOps.fit(upright, (_THUMBNAIL, _THUMBNAIL)).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
