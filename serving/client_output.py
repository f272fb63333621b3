"""How `serving.client` prints answers: tables for people, JSON for programs."""

import collections
import dataclasses
import itertools
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.hashtag_client import Hashtag
from serving.user import User

# Wide enough for any table: a pipe has no width to fit into.
_PIPE_WIDTH = 10_000


@dataclasses.dataclass(frozen=True)
class Answer:
    """The hashtags that `user` gets for `image`, and who said so."""

    image: str
    user: User
    model: str
    version: int
    hashtags: tuple[Hashtag, ...]


def print_json(answers: Sequence[Answer], *, single: bool) -> None:
    """Prints one answer as an object, or several as the list `answers` of an object."""
    documents = [_document(answer) for answer in answers]
    document = documents[0] if single else {"answers": documents}
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()


def print_tables(answers: Sequence[Answer], console: Console | None = None) -> None:
    """Prints a table for each image, its users side by side.

    In colour, the hashtags that not every user of an image gets stand out.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_PIPE_WIDTH, no_color=True)
    for image, group in itertools.groupby(answers, key=lambda answer: answer.image):
        console.print(_table(image, list(group), plain=not console.is_terminal))


def _table(image: str, answers: Sequence[Answer], *, plain: bool) -> Table:
    versions = sorted({(answer.model, answer.version) for answer in answers})
    source = ", ".join(f"model {model}, version {version}" for model, version in versions)
    table = Table(
        title=f"{image}  ({source})",
        title_justify="left",
        title_style="bold",
        box=box.ASCII2 if plain else box.ROUNDED,
        header_style="",
    )
    table.add_column("", justify="right", style="dim", no_wrap=True)
    for answer in answers:
        table.add_column(_heading(answer.user), overflow="fold")
    uses = collections.Counter(tag.hashtag for answer in answers for tag in answer.hashtags)
    for rank in range(max(len(answer.hashtags) for answer in answers)):
        cells = [
            _cell(answer.hashtags[rank], special=uses[answer.hashtags[rank].hashtag] < len(answers))
            if rank < len(answer.hashtags)
            else ""
            for answer in answers
        ]
        table.add_row(str(rank + 1), *cells)
    return table


def _heading(user: User) -> Text:
    if user.name is None:
        return Text(str(user), style="bold")
    return Text.assemble((user.name, "bold"), "\n", (str(user), "dim"))


def _cell(tag: Hashtag, *, special: bool) -> Text:
    return Text.assemble(
        (f"#{tag.hashtag}", "bold green" if special else ""), " ", (f"{tag.score:.3f}", "dim")
    )


def _document(answer: Answer) -> dict[str, Any]:
    return {
        "image": answer.image,
        "user": dataclasses.asdict(answer.user),
        "model": answer.model,
        "version": answer.version,
        "hashtags": [
            {"hashtag": tag.hashtag, "score": _short(tag.score)} for tag in answer.hashtags
        ],
    }


def _short(score: float) -> float:
    """The float32 that the server sent, with no more digits than tell it from its neighbours."""
    return float(np.format_float_positional(np.float32(score), unique=True))
