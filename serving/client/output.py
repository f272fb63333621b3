"""How `serving.client` prints answers: tables for people, JSON for programs."""

import collections
import itertools
import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.client.answers import Hashtag, Prediction
from serving.client.questions import nearest_float32
from tagkeras.cli.console import fitting
from tagkeras.data.user import User

_FLOAT32_DIGITS = 9  # the most that any float32 needs


class Answer(NamedTuple):
    """The prediction for one user and one image file."""

    image: str
    user: User
    prediction: Prediction


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
        versions = sorted({(one.prediction.model, one.prediction.version) for one in of_image})
        source = ", ".join(f"model {model}, version {version}" for model, version in versions)
        console.print(Text.assemble((image, "bold"), (f"  ({source})", "dim")))
        console.print(_table(of_image, plain=not console.is_terminal))


def shortest_float32(number: float) -> float:
    """The number with the fewest decimal digits that has the same nearest float32."""
    target = nearest_float32(number)
    shorter = (float(f"{target:.{digits}g}") for digits in range(1, _FLOAT32_DIGITS + 1))
    return next((short for short in shorter if nearest_float32(short) == target), target)


def _table(answers: Sequence[Answer], *, plain: bool) -> Table:
    table = Table(box=box.ASCII2 if plain else box.ROUNDED, header_style="")
    table.add_column("", justify="right", style="dim", no_wrap=True)
    headings = [_heading(answer.user) for answer in answers]
    height = max(map(len, headings))
    for lines in headings:
        padding = [Text()] * (height - len(lines))
        table.add_column(Text("\n").join([*lines, *padding]), overflow="fold")
    columns = [answer.prediction.hashtags for answer in answers]
    uses = collections.Counter(tag.hashtag for column in columns for tag in column)
    for rank, row in enumerate(itertools.zip_longest(*columns), start=1):
        cells = (
            "" if tag is None else _cell(tag, special=uses[tag.hashtag] < len(answers))
            for tag in row
        )
        table.add_row(str(rank), *cells)
    return table


def _heading(user: User) -> list[Text]:
    """The user's name, and what is known, in lines."""
    more = (f"{name} {value}" for name, value in user.more.items())
    known = [line for line in (user.name, user.person, user.place, *more) if line]
    known = known or [user.label]
    return [Text(line, style="dim" if row else "bold") for row, line in enumerate(known)]


def _cell(tag: Hashtag, *, special: bool) -> Text:
    return Text.assemble(
        (f"#{tag.hashtag}", "bold green" if special else ""), " ", (f"{tag.score:.3f}", "dim")
    )


def _document(answer: Answer) -> dict[str, Any]:
    return {
        "image": answer.image,
        "user": {**answer.user.facts, "name": answer.user.name},
        "model": answer.prediction.model,
        "version": answer.prediction.version,
        "hashtags": [
            {"hashtag": tag.hashtag, "score": shortest_float32(tag.score)}
            for tag in answer.prediction.hashtags
        ],
    }
