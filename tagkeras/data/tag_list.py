"""Lists of hashtags that people write by hand: stop tags, block lists."""

from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data import hashtags


def read_tag_list(path: str | Path, flag: str) -> frozenset[str]:
    """The hashtags of a text file, one a line, normalised; empty lines are passed over.

    Args:
        path: of the file, UTF-8.
        flag: named in errors.

    Raises:
        UserError: the file cannot be read, or a line is no hashtag.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"--{flag}={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--{flag}={path}: not UTF-8") from error
    tags = set()
    for number, line in enumerate(lines, 1):
        tag = hashtags.normalize(line)
        if line.strip() and not tag:
            raise UserError(f"--{flag}={path}, line {number}: no hashtag")
        tags.add(tag)
    return frozenset(tags - {""})
