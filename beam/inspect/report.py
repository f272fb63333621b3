"""Shows what is in a dataset: tables on a terminal, plain columns elsewhere."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from beam.inspect.scan import Scan, printable
from tagkeras.cli.console import fitting
from tagkeras.data.manifest import SPLITS
from tagkeras.data.records import SINGLE_FACTS
from tagkeras.data.vocabulary import Vocabulary

# Columns of texts; all others but the first are of numbers.
_TEXTS = {" ", "split", "hashtag", "hashtags", *(f.name for f in SINGLE_FACTS if f.is_text)}


def print_report(scan: Scan, vocabulary: Vocabulary | None, num_tags: int, num_posts: int) -> None:
    """Prints a dataset.

    Args:
        scan: of its shards.
        vocabulary: None if it cannot be read.
        num_tags: hashtags to show.
        num_posts: posts to show.
    """

    def name(tag: int) -> str:
        """The text of a tag; its id where there is none."""
        tags = vocabulary.tags if vocabulary else ()
        return printable(tags[tag]) if 0 <= tag < len(tags) else f"[{tag}]"

    def hashtags(post: Mapping[str, Any]) -> str:
        text, removed = (" ".join(map(name, post[key])) for key in ("tags", "tags_removed"))
        text += f" (removed: {removed})" if removed else ""
        unknown = int(post["out_of_vocabulary"])
        return (text + (f" (+ {unknown} out of vocabulary)" if unknown else "")).strip()

    _print("", " | ", _overview(scan))
    _print(
        "splits",
        "split|posts|shards|tag pairs|removed|out of vocabulary|users",
        [(split, *scan.counts[split].values(), len(scan.users_of(split))) for split in SPLITS],
    )
    numbers = [
        [f"{value:.3f}" if np.isfinite(value) else "-" for value in values]
        for values in scan.user_descriptors().T
    ]
    names = map(printable, scan.manifest.facts.feature_names)
    rows: list[tuple[str | int, ...]] = [
        (name, *values) for name, values in zip(names, numbers, strict=True)
    ]
    _print("user descriptors", "user descriptor|min|mean|max", rows)
    if histograms := scan.manifest.distribution.get("tags_by_training_posts"):
        natural, balanced = histograms["natural"], histograms["balanced"]
        sizes = {**natural, **balanced}
        columns = "training posts|hashtags, natural|hashtags, balanced"
        rows = [(size, natural.get(size, 0), balanced.get(size, 0)) for size in sizes]
        _print("distribution of hashtags", columns, rows)
    if num_tags:
        kept, removed = scan.kept.tolist(), scan.removed.tolist()
        counts = (scan.kept + scan.removed if vocabulary is None else vocabulary.counts).tolist()
        by_tag = enumerate(zip(counts, kept, removed, strict=False))
        rows = [(str(tag), name(tag), *numbers) for tag, numbers in by_tag]
        columns = "id|hashtag|training posts|kept|removed"
        _print("most frequent hashtags", columns, rows[:num_tags])
    if num_posts:
        of_splits = [[(split, post) for post in scan.samples[split]] for split in SPLITS]
        in_turn = filter(None, itertools.chain(*itertools.zip_longest(*of_splits)))
        rows = [
            (printable(post["post_id"]), split, hashtags(post), *_facts(post))
            for split, post in itertools.islice(in_turn, num_posts)
        ]
        columns = f"post|split|hashtags|{'|'.join(fact.name for fact in SINGLE_FACTS)}"
        _print("some posts", columns, rows)


def _print(title: str, columns: str, rows: Iterable[Sequence[str | int]]) -> None:
    """Prints a table, with separators of thousands; `columns` are separated by `|`."""
    console = fitting(Console(markup=False, emoji=False, highlight=False))
    is_terminal = console.is_terminal
    table = Table(
        title=title if is_terminal and title else None,
        title_justify="left",
        box=box.ROUNDED if is_terminal else None,
        show_header=bool(title),
        pad_edge=is_terminal,
    )
    for number, column in enumerate(columns.split("|")):
        is_text = number == 0 or column in _TEXTS
        table.add_column(column, justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, str) else f"{cell:,}" for cell in row))
    with console.capture() as captured:
        console.print(table)
    # Columns are padded with spaces, the last one too.
    print(*(line.rstrip() for line in captured.get().splitlines()), sep="\n")
    if not is_terminal:
        print()


def _overview(scan: Scan) -> Iterator[tuple[str, str]]:
    manifest, counts, found = scan.manifest, scan.manifest.counts, scan.descriptors
    yield "posts read", f"{counts['posts_read']:,}"
    yield "posts written", f"{counts['posts_written']:,}"
    for title in ("rejected", "dropped"):
        total = f"{sum(counts[title].values()):,}"
        yield title, f"{total}: {_join(counts[title])}" if counts[title] else total
    yield "vocabulary", f"{manifest.num_tags:,} hashtags"
    descriptor = f"{manifest.descriptor_size:,} {manifest.descriptor_dtype} values"
    if found["finite"]:
        descriptor += f", norm {found['norms'] / found['finite']:.4g} on average"
        descriptor += f", {found['zeros'] / found['values']:.1%} zeros"
    if found["all_zeros"]:
        descriptor += f", {found['all_zeros']:,} posts with zeros alone"
    yield "descriptor", descriptor
    yield "CNN", _join(manifest.cnn) if manifest.cnn else "none, ready descriptors"
    if manifest.image_decoder:
        yield "images", _join(manifest.image_decoder)
    distribution = str(manifest.distribution["name"])
    if "target" in manifest.distribution:
        distribution += f", hashtags thinned out to {manifest.distribution['target']:.6g} posts"
    yield "distribution", distribution
    yield "privacy", _join(manifest.privacy)
    yield "versions", _join(manifest.versions)


def _facts(post: Mapping[str, Any]) -> Iterator[str]:
    for fact in SINGLE_FACTS:
        value = post[fact.name]
        text = printable(value) if fact.is_text else "" if np.isnan(value) else f"{value:g}"
        yield text or "-"


def _join(values: Mapping[str, Any]) -> str:
    """Names and values of a dict, for one line."""
    return ", ".join(
        printable(f"{name} {value:,}" if type(value) is int else f"{name} {value}")
        for name, value in values.items()
    )
