"""Shows what is in a dataset: tables on a terminal, plain columns elsewhere."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from beam.inspect.dataset_files import to_words
from beam.inspect.scan import Scan
from beam.inspect.statistics import Sample
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary

# Wide enough that no plain line is broken.
_PLAIN_WIDTH = 10_000
_UNKNOWN = "-"


class Report:
    """Prints a dataset.

    Args:
        manifest: of the dataset.
        vocabulary: of the dataset; None if it cannot be read.
        scan: of its shards.
    """

    def __init__(self, manifest: Manifest, vocabulary: Vocabulary | None, scan: Scan) -> None:
        self._manifest, self._vocabulary, self._scan = manifest, vocabulary, scan
        self._console = Console(markup=False, emoji=False, highlight=False)
        if not self._console.is_terminal:
            self._console.width = _PLAIN_WIDTH

    def print(self, num_tags: int, num_posts: int) -> None:
        """Prints all there is to say, with so many hashtags and posts."""
        self._print("", ("", ""), self._facts())
        columns: tuple[str, ...]
        columns = ("split", "posts", "shards", "tag pairs", "removed", "out of vocabulary", "users")
        self._print("splits", columns, self._splits())
        columns = ("user descriptor", "min", "mean", "max")
        self._print("user descriptors", columns, self._user_descriptors())
        histograms = self._manifest.distribution.get("tags_by_training_posts")
        if histograms:
            columns = ("training posts", "hashtags, natural", "hashtags, balanced")
            self._print("distribution of hashtags", columns, _histogram_rows(histograms))
        if num_tags:
            columns = ("id", "hashtag", "training posts", "kept", "removed")
            self._print("most frequent hashtags", columns, self._tags(num_tags))
        if num_posts:
            columns = ("post", "split", "hashtags", "country", "gender", "age")
            self._print("some posts", columns, self._posts(num_posts))

    def _print(self, title: str, columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
        is_terminal = self._console.is_terminal
        table = Table(
            title=title if is_terminal and title else None,
            title_justify="left",
            box=box.ROUNDED if is_terminal else None,
            show_header=any(columns),
            pad_edge=is_terminal,
        )
        for number, column in enumerate(columns):
            is_number = column not in _TEXTS and number > 0
            table.add_column(column, justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*row)
        if is_terminal:
            self._console.print(table)
            return
        with self._console.capture() as captured:
            self._console.print(table)
        # Columns are padded with spaces, the last one too.
        print(*(line.rstrip() for line in captured.get().splitlines()), "", sep="\n")

    def _facts(self) -> Iterator[tuple[str, str]]:
        manifest, counts = self._manifest, self._manifest.counts
        yield "posts read", f"{counts['posts_read']:,}"
        yield "posts written", f"{counts['posts_written']:,}"
        for title in ("rejected", "dropped"):
            total = f"{sum(counts[title].values()):,}"
            yield title, f"{total}: {_join(counts[title])}" if counts[title] else total
        yield "vocabulary", f"{manifest.num_tags:,} hashtags"
        yield "descriptor", self._descriptor()
        yield "CNN", _join(manifest.cnn) if manifest.cnn else "none, ready descriptors"
        if manifest.image_decoder:
            yield "images", _join(manifest.image_decoder)
        yield "distribution", self._distribution()
        yield "privacy", _join(manifest.privacy)
        yield "versions", _join(manifest.versions)

    def _descriptor(self) -> str:
        manifest, found = self._manifest, self._scan.descriptors
        text = f"{manifest.descriptor_size:,} {manifest.descriptor_dtype} values"
        if found.finite:
            text += f", norm {found.norms / found.finite:.4g} on average"
            text += f", {found.zeros / found.values:.1%} zeros"
        if found.zero_descriptors:
            text += f", {found.zero_descriptors:,} posts with zeros alone"
        return text

    def _distribution(self) -> str:
        distribution = self._manifest.distribution
        text = str(distribution["name"])
        if "target" in distribution:
            text += f", hashtags thinned out to {distribution['target']:.6g} posts"
        return text

    def _splits(self) -> Iterator[tuple[str, ...]]:
        for split, scanned in self._scan.splits.items():
            counts = [*scanned.counts.values(), scanned.users.distinct().size]
            yield split, *(f"{count:,}" for count in counts)

    def _user_descriptors(self) -> Iterator[tuple[str, ...]]:
        countries = [to_words(country) for country in self._manifest.user_descriptor["countries"]]
        names = ["age", "gender", *countries, "x", "y", "z"]
        found = self._scan.user_descriptors
        for name, *values in zip(names, found.minimum, found.mean, found.maximum, strict=True):
            yield name, *(f"{value:.3f}" if math.isfinite(value) else _UNKNOWN for value in values)

    def _tags(self, number: int) -> Iterator[tuple[str, ...]]:
        num_tags = self._manifest.num_tags
        kept, removed = self._scan.kept.of(num_tags), self._scan.removed.of(num_tags)
        counts = kept + removed if self._vocabulary is None else self._vocabulary.counts
        for tag in range(min(number, num_tags, len(counts))):
            values = (counts[tag], kept[tag], removed[tag])
            yield str(tag), self._name(tag), *(f"{value:,}" for value in values)

    def _posts(self, number: int) -> Iterator[tuple[str, ...]]:
        of_splits = [
            [(split, sample) for sample in scanned.samples]
            for split, scanned in self._scan.splits.items()
        ]
        in_turn = itertools.chain.from_iterable(itertools.zip_longest(*of_splits))
        for split, post in itertools.islice(filter(None, in_turn), number):
            age = _UNKNOWN if math.isnan(post.age) else f"{post.age:g}"
            country, gender = post.country or _UNKNOWN, post.gender or _UNKNOWN
            yield post.post_id, split, self._hashtags(post), country, gender, age

    def _hashtags(self, post: Sample) -> str:
        text = " ".join(self._name(tag) for tag in post.tags)
        if post.removed:
            text += f" (removed: {' '.join(self._name(tag) for tag in post.removed)})"
        if post.out_of_vocabulary:
            text += f" (+ {post.out_of_vocabulary} out of vocabulary)"
        return text.strip()

    def _name(self, tag: int) -> str:
        """The text of a tag; its id where there is none."""
        tags = self._vocabulary.tags if self._vocabulary else ()
        return to_words(tags[tag]) if 0 <= tag < len(tags) else f"[{tag}]"


# Columns that are no numbers.
_TEXTS = {"", "split", "hashtag", "hashtags", "country", "gender"}


def _join(values: dict[str, Any]) -> str:
    """Names and values of a dict, for one line."""
    return ", ".join(
        to_words(f"{name} {value:,}" if type(value) is int else f"{name} {value}")
        for name, value in values.items()
    )


def _histogram_rows(histograms: dict[str, dict[str, int]]) -> Iterator[tuple[str, ...]]:
    natural, balanced = histograms["natural"], histograms["balanced"]
    for name in {**natural, **balanced}:
        yield name, f"{natural.get(name, 0):,}", f"{balanced.get(name, 0):,}"
