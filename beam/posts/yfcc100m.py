"""The metadata files of YFCC100M: a photo or video a line, in tab-separated fields."""

import re
from typing import Any
from urllib.parse import unquote_plus

from beam.posts.rows import Row
from tagkeras.data.posts import PostError

# Of the first release, in ten files. The later one, a single file, also has the line's number
# before the identifier and the photo's hash behind it.
_FIELDS, _FIELDS_WITH_HASH = 23, 25
_PHOTO, _VIDEO = "0", "1"
# 16 bytes, each published without a leading zero: many hashes have fewer than 32 digits.
_HASH = re.compile("[0-9a-f]{16,32}")


def parse_yfcc100m(line: bytes, *, by_hash: bool = False) -> Row:
    """The photo of a line of either release as a row, or what is wrong with it.

    `by_hash` names the image as in the Multimedia Commons, by its hash, which the release of 25
    fields alone has; otherwise its name is that at the end of its download URL.
    """
    try:
        fields = line.decode().rstrip("\r\n").split("\t")
    except UnicodeDecodeError:
        return "not UTF-8"
    photo_hash = None
    if len(fields) == _FIELDS_WITH_HASH:
        _, identifier, photo_hash, *others = fields
        fields = [identifier, *others]
    elif len(fields) != _FIELDS:
        return f"{len(fields)} tab-separated fields, not {_FIELDS} or {_FIELDS_WITH_HASH}"
    if fields[22] == _VIDEO:
        return PostError("not_a_photo", "a video")
    if fields[22] != _PHOTO:
        return "the last field is neither 0, a photo, nor 1, a video"
    if not by_hash:
        image = fields[14].rpartition("/")[2]
    elif photo_hash is None:
        return f"{_FIELDS} fields: without the photo's hash, which {_FIELDS_WITH_HASH} have"
    elif not _HASH.fullmatch(photo_hash):
        return "the photo's hash is none"
    else:
        image = f"{photo_hash[:3]}/{photo_hash[3:6]}/{photo_hash}.jpg"
    return {
        "post_id": fields[0],
        "user_id": fields[1],
        "image": image or None,
        "hashtags": _to_tags(fields[8]),
        "latitude": _to_number(fields[11]),
        "longitude": _to_number(fields[10]),
    }


def _to_tags(text: str) -> list[str] | None:
    # What does not decode to UTF-8 becomes a lone surrogate, for which the hashtag is refused.
    tags = [unquote_plus(tag, errors="surrogateescape") for tag in text.split(",") if tag]
    return tags or None


def _to_number(text: str) -> Any:
    """The number; any other text stays as it is, for `parse_post` to refuse."""
    try:
        return float(text) if text else None
    except ValueError:
        return text
