"""How `tagkeras.explain` prints: tables for people, JSON for programs."""

import collections
import dataclasses
import json
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagkeras.explain.counterfactuals import RankedHashtags, ScoredHashtag
from tagkeras.explain.explain import Answer
from tagkeras.explain.explanation import HashtagExplanation

_OWN = "bold green"


def print_json(answer: Answer) -> None:
    """Prints the document that `tagkeras.explain` describes."""
    # Scores are float32: the fewest digits that tell one from its neighbours.
    text = json.dumps(
        dataclasses.asdict(answer),
        indent=2,
        ensure_ascii=False,
        default=lambda score: float(str(score)),
    )
    print(text)


def print_tables(answer: Answer, console: Console) -> None:
    """Prints the lists side by side, then the explanation."""
    photo = answer.image or f"post {answer.post_id}"
    model = f"{answer.model} model, epoch {answer.epoch}"
    for lists, facts, compared in (
        (answer.age_and_gender, ("gender", "age"), ""),
        (answer.cities, ("country", "latitude", "longitude"), "city"),
        *((lists, (name,), name) for name, lists in answer.categories.items()),
    ):
        if lists:
            user = lists[0].user
            known = [fact for fact in facts if user.facts[fact] is not None]
            by = compared or " and ".join(known)
            who = user.but(dict.fromkeys(facts)).label
            print_lists(f"{photo}{by and f' by {by}'} ({who}; {model})", lists, console)
    if answer.explanation is not None:
        print_explanation(answer.explanation, console)
    if answer.model == "bilinear":
        console.print("The bilinear model sees the photo alone: users make no difference to it.")


def print_lists(title: str, lists: Sequence[RankedHashtags], console: Console) -> None:
    """Prints lists side by side, in as many tables as the width asks for.

    Hashtags that no other list has are green and have a star.
    """
    uses = collections.Counter(tag.hashtag for ranked in lists for tag in ranked.hashtags)
    own = {hashtag for hashtag, number in uses.items() if number == 1 and len(lists) > 1}
    columns = [
        (
            Text(ranked.user.label, style="bold"),
            [_cell(tag, tag.hashtag in own) for tag in ranked.hashtags],
        )
        for ranked in lists
    ]
    console.print(Text(title, style="bold"))
    for group in _fold(columns, console.width):
        table = Table(box=_box(console), header_style="")
        table.add_column("", justify="right", style="dim", no_wrap=True)
        for heading, _ in group:
            table.add_column(heading, overflow="fold")
        rows = zip(*(cells for _, cells in group), strict=True)
        for number, cells in enumerate(rows, start=1):
            table.add_row(str(number), *cells)
        console.print(table)
    if own:
        console.print(Text("* in this list alone", style="dim"))
    console.print()


def print_explanation(explanation: HashtagExplanation, console: Console) -> None:
    """Prints ranks and scores, and the contributions that are the difference."""
    e = explanation
    console.print(
        Text.assemble(
            (f"#{e.hashtag}", "bold"),
            f" for {e.user.label}: rank {e.rank:,} of {e.num_hashtags:,}, score {e.score:.3f};"
            f" for an unknown user: rank {e.unknown_rank:,}, score {e.unknown_score:.3f}",
        )
    )
    if e.model == "bilinear":
        return
    has_image = e.model == "multiplicative"
    if len(e.without) > 1:
        known_less = (f"{w.fact} rank {w.rank:,}, score {w.score:.3f}" for w in e.without)
        console.print(f"Were one thing unknown: {'; '.join(known_less)}")
    table = Table(box=_box(console), header_style="")
    table.add_column("factor" if has_image else "feature", no_wrap=True)
    table.add_column("raises or lowers", justify="right", no_wrap=True)
    table.add_column("gate" if has_image else "value", justify="right", no_wrap=True)
    table.add_column("unknown user's", justify="right", no_wrap=True)
    table.add_column("most raised hashtags", overflow="fold")
    for c in e.contributions:
        table.add_row(
            c.name.removeprefix("factor "),
            _signed(c.value),
            f"{c.user_value:.2f}",
            f"{c.unknown_value:.2f}",
            " ".join(f"#{tag}" for tag in c.raised),
        )
    if e.num_others:
        table.add_row(f"{e.num_others} others", _signed(e.others), "", "", "")
    table.add_section()
    table.add_row("together", _signed(sum(c.value for c in e.contributions) + e.others), "", "", "")
    console.print(table)


def _cell(tag: ScoredHashtag, is_own: bool) -> Text:
    mark = "*" if is_own else ""
    return Text.assemble(
        (f"#{tag.hashtag}{mark}", _OWN if is_own else ""), " ", (f"{tag.score:.3f}", "dim")
    )


def _fold(
    columns: list[tuple[Text, list[Text]]], width: int
) -> list[list[tuple[Text, list[Text]]]]:
    """Groups of neighbours that fit side by side; a column that is too wide stands alone."""
    groups: list[list[tuple[Text, list[Text]]]] = []
    room = 0
    for heading, cells in columns:
        # Two spaces and a line around each cell; before the first, the column of ranks.
        needed = 3 + max(cell_len(text.plain) for text in (heading, *cells))
        if not groups or needed > room:
            groups.append([])
            room = width - (4 + len(str(len(cells))))
        groups[-1].append((heading, cells))
        room -= needed
    return groups


def _box(console: Console) -> box.Box:
    return box.ROUNDED if console.is_terminal else box.ASCII2


def _signed(value: float) -> Text:
    return Text(f"{value:+.3f}", style="green" if value > 0 else "red" if value < 0 else "")
