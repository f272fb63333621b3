"""Shows what is in a dataset: tables on a terminal, plain columns elsewhere."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from beam.inspect.scan import Sample, Scan, printable, sort_distinct
from tagkeras.cli.console import fitting
from tagkeras.data.records import SINGLE_FACTS
from tagkeras.data.vocabulary import Vocabulary

# Columns of texts; all others but the first are of numbers.
_TEXTS = {
    " ",
    "split",
    "hashtag",
    "hashtags",
    *(fact.name for fact in SINGLE_FACTS if fact.is_text),
}


def print_report(scan: Scan, vocabulary: Vocabulary | None, num_tags: int, num_posts: int) -> None:
    """Prints a dataset.

    Args:
        scan: of its shards.
        vocabulary: None if it cannot be read.
        num_tags: hashtags to show.
        num_posts: posts to show.
    """
    _print("", " | ", _overview(scan))
    columns = "split|posts|shards|tag pairs|removed|out of vocabulary|users"
    _print("splits", columns, _splits(scan))
    _print("user descriptors", "user descriptor|min|mean|max", _user_descriptors(scan))
    if histograms := scan.manifest.distribution.get("tags_by_training_posts"):
        natural, balanced = histograms["natural"], histograms["balanced"]
        rows: Iterable[Sequence[str]] = [
            (name, f"{natural.get(name, 0):,}", f"{balanced.get(name, 0):,}")
            for name in {**natural, **balanced}
        ]
        columns = "training posts|hashtags, natural|hashtags, balanced"
        _print("distribution of hashtags", columns, rows)
    if num_tags:
        columns = "id|hashtag|training posts|kept|removed"
        _print("most frequent hashtags", columns, _tags(scan, vocabulary, num_tags))
    if num_posts:
        of_splits = [[(split, post) for post in posts] for split, posts in scan.samples.items()]
        in_turn = itertools.chain.from_iterable(itertools.zip_longest(*of_splits))
        posts = itertools.islice(filter(None, in_turn), num_posts)
        rows = [(p.post_id, split, _hashtags(p, vocabulary), *p.facts) for split, p in posts]
        columns = f"post|split|hashtags|{'|'.join(fact.name for fact in SINGLE_FACTS)}"
        _print("some posts", columns, rows)


def _print(title: str, columns: str, rows: Iterable[Sequence[str]]) -> None:
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
        table.add_row(*row)
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


def _splits(scan: Scan) -> Iterator[tuple[str, ...]]:
    for split, counts in scan.counts.items():
        users = len(sort_distinct(np.concatenate([[], *scan.users[split].values()])))
        yield split, *(f"{count:,}" for count in (*counts.values(), users))


def _user_descriptors(scan: Scan) -> Iterator[tuple[str, ...]]:
    mean = scan.user_sum / scan.num_posts if scan.num_posts else scan.user_sum * math.nan
    columns = (scan.user_minimum, mean, scan.user_maximum)
    for name, *values in zip(scan.manifest.facts.feature_names, *columns, strict=True):
        texts = (f"{value:.3f}" if math.isfinite(value) else "-" for value in values)
        yield printable(name), *texts


def _tags(scan: Scan, vocabulary: Vocabulary | None, number: int) -> Iterator[tuple[str, ...]]:
    counts = scan.kept + scan.removed if vocabulary is None else vocabulary.counts
    for tag in range(min(number, len(scan.kept), len(counts))):
        values = (counts[tag], scan.kept[tag], scan.removed[tag])
        yield str(tag), _name(tag, vocabulary), *(f"{value:,}" for value in values)


def _hashtags(post: Sample, vocabulary: Vocabulary | None) -> str:
    text = " ".join(_name(tag, vocabulary) for tag in post.tags)
    if post.removed:
        text += f" (removed: {' '.join(_name(tag, vocabulary) for tag in post.removed)})"
    if post.out_of_vocabulary:
        text += f" (+ {post.out_of_vocabulary} out of vocabulary)"
    return text.strip()


def _name(tag: int, vocabulary: Vocabulary | None) -> str:
    """The text of a tag; its id where there is none."""
    tags = vocabulary.tags if vocabulary else ()
    return printable(tags[tag]) if 0 <= tag < len(tags) else f"[{tag}]"


def _join(values: Mapping[str, Any]) -> str:
    """Names and values of a dict, for one line."""
    return ", ".join(
        printable(f"{name} {value:,}" if type(value) is int else f"{name} {value}")
        for name, value in values.items()
    )
