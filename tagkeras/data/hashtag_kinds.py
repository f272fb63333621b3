"""What a hashtag depends on, where the world that posts were drawn from is known."""

from pathlib import Path

from tagkeras.cli.errors import UserError

KINDS = {
    "image": "what the photo shows",
    "user": "who posts it",
    "both": "the two together",
    "neither": "neither: anybody, on anything",
}


def read_hashtag_kinds(path: Path) -> dict[str, str]:
    """The kind, one of `KINDS`, by hashtag: lines of `hashtag<TAB>kind` of `tagkeras.synthetic`.

    Raises:
        UserError: the file cannot be read, or a line does not fit.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8") from error
    kinds = {}
    for number, line in enumerate(lines, start=1):
        hashtag, tab, kind = line.rpartition("\t")
        if not tab or kind not in KINDS:
            raise UserError(
                f"{path}, line {number}: not a hashtag, a tab and one of {', '.join(KINDS)}"
            )
        kinds[hashtag] = kind
    return kinds
