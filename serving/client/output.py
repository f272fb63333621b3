"""How `serving.client` prints answers: tables for people, JSON for programs."""

import collections
import dataclasses
import itertools
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.client import float32
from serving.client.answers import Hashtag
from tagkeras.cli.console import fitting
from tagkeras.data.user import User


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
    console = fitting(console)
    for image, group in itertools.groupby(answers, key=lambda answer: answer.image):
        of_image = list(group)
        versions = sorted({(answer.model, answer.version) for answer in of_image})
        source = ", ".join(f"model {model}, version {version}" for model, version in versions)
        console.print(Text.assemble((image, "bold"), (f"  ({source})", "dim")))
        console.print(_table(of_image, plain=not console.is_terminal))


def _table(answers: Sequence[Answer], *, plain: bool) -> Table:
    table = Table(box=box.ASCII2 if plain else box.ROUNDED, header_style="")
    table.add_column("", justify="right", style="dim", no_wrap=True)
    headings = [_heading(answer.user) for answer in answers]
    height = max(map(len, headings))
    for lines in headings:
        padding = [Text()] * (height - len(lines))
        table.add_column(Text("\n").join([*lines, *padding]), overflow="fold")
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


def _heading(user: User) -> list[Text]:
    """The user's name, traits and home, a line each, as far as they are known."""
    age = None if user.age is None else f"age {user.age:g}"
    traits = ", ".join(word for word in (user.gender, age, user.country) if word)
    home = ""
    if user.latitude is not None and user.longitude is not None:
        home = f"{user.latitude:.4g} {user.longitude:.4g}"
    known = [line for line in (user.name, traits, home) if line] or ["unknown user"]
    return [Text(line, style="dim" if row else "bold") for row, line in enumerate(known)]


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
            {"hashtag": tag.hashtag, "score": float32.shortest(tag.score)}
            for tag in answer.hashtags
        ],
    }
