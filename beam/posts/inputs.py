"""The flags that all commands over posts have, and what they name."""

import os
from pathlib import Path

from beam.posts import identities
from beam.posts.files import AUTO, FORMATS
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import read_tag_list

ID_KEY_VARIABLE = "TAGKERAS_ID_KEY"
MIN_KEY_BYTES = 16

INPUT = option(help="files of posts: a path, URI or quoted glob of .jsonl, .jsonl.gz, .parquet")
INPUT_FORMAT = option(
    AUTO,
    help="of the input files; auto goes by their suffix; yfcc100m reads YFCC100M's metadata, images"
    " named as in the download URLs; yfcc100m_hash too, images named by hash (docs/inputs.md)",
    choices=(AUTO, *FORMATS),
)
IMAGE_ROOT = option(
    None, help="folder or URI that image paths are relative to; by default their file's folder"
)
ID_KEY_FILE = option(
    None, help=f"file with the secret key of ids; else ${ID_KEY_VARIABLE}, else a random one"
)
POST_IDS = option("keep", help="hash hides post ids as well", choices=("keep", "hash"))
MAX_REJECTED_FRACTION = option(
    1.0, help="fail if a larger part of the posts is rejected", minimum=0, maximum=1
)
LARGE_MODEL = option(
    False, help="keep one model for all worker processes of a host, not one in each"
)


def load_id_key(path: str | None) -> tuple[bytes, str]:
    """The secret key of the ids, and where it came from: `file`, `environment` or `ephemeral`.

    Raises:
        UserError: the file cannot be read, or the key is too short.
    """
    if path is not None:
        try:
            key = Path(path).read_bytes().strip()
        except OSError as error:
            raise UserError(f"--id_key_file={path}: {error.strerror}") from error
        name, source = f"--id_key_file={path}", "file"
    elif ID_KEY_VARIABLE in os.environ:
        key = os.environ[ID_KEY_VARIABLE].strip().encode()
        name, source = ID_KEY_VARIABLE, "environment"
    else:
        return identities.new_key(), "ephemeral"
    if len(key) < MIN_KEY_BYTES:
        raise UserError(
            f"{name}: a key of {len(key)} bytes; give at least {MIN_KEY_BYTES} random ones,"
            " as `openssl rand -hex 32` makes them"
        )
    return key, source


def load_stop_tags(path: str | None) -> frozenset[str]:
    """The hashtags of a text file, one a line, normalised; none without a file.

    Raises:
        UserError: the file cannot be read, or a line is no hashtag.
    """
    if path is None:
        return frozenset()
    return read_tag_list(path, "stop_tags")
