"""Shows what is in a dataset, as tables."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from beam.inspect.scan import Scan, printable
from tagkeras.cli.console import fitting, number_table
from tagkeras.data.facts import Fact
from tagkeras.data.manifest import SPLITS
from tagkeras.data.records import single_facts
from tagkeras.data.vocabulary import Vocabulary


def print_report(scan: Scan, vocabulary: Vocabulary | None, num_tags: int, num_posts: int) -> None:
    """Prints a dataset: `num_tags` hashtags and `num_posts` posts of it."""

    def name(tag: int) -> str:
        """The text of a tag; its id where there is none."""
        tags = vocabulary.tags if vocabulary else ()
        return printable(tags[tag]) if 0 <= tag < len(tags) else f"[{tag}]"

    def hashtags(post: Mapping[str, Any]) -> str:
        parts = [*map(name, post["tags"])]
        if len(post["tags_removed"]):
            parts.append(f"(removed: {' '.join(map(name, post['tags_removed']))})")
        if post["out_of_vocabulary"]:
            parts.append(f"(+ {post['out_of_vocabulary']} out of vocabulary)")
        return " ".join(parts)

    _print("dataset|", _overview(scan), labels=2)
    of_splits = [(split, *scan.counts[split].values()) for split in SPLITS]
    _print("split|posts|shards|tag pairs|removed|out of vocabulary|users", of_splits)
    of_facts = [
        (columns.fact, len(columns.names), seen["known"], str(seen.get("not_kept", "-")))
        for columns in scan.manifest.facts.columns
        if (seen := scan.facts.counts[columns.fact])
    ]
    _print("fact|columns|training posts|with a value not kept", of_facts)
    if histograms := scan.manifest.distribution.get("tags_by_training_posts"):
        natural, balanced = (histograms.get(name, {}) for name in ("natural", "balanced"))
        of_sizes = [(n, natural.get(n, 0), balanced.get(n, 0)) for n in natural | balanced]
        _print("training posts|hashtags, natural|hashtags, balanced", of_sizes)
    if num_tags:
        counts = scan.kept + scan.removed if vocabulary is None else vocabulary.counts
        by_tag = enumerate(zip(counts, scan.kept, scan.removed, strict=False))
        shown = itertools.islice(by_tag, num_tags)
        of_tags = [(str(tag), name(tag), *map(int, numbers)) for tag, numbers in shown]
        _print("id|hashtag|training posts|kept|removed", of_tags, labels=2)
    if num_posts:
        facts = single_facts(scan.manifest.facts.facts)
        samples = [[(split, post) for post in scan.samples[split]] for split in SPLITS]
        in_turn = filter(None, itertools.chain(*itertools.zip_longest(*samples)))
        of_posts = [
            (printable(post["post_id"]), split, hashtags(post), _facts(post, facts))
            for split, post in itertools.islice(in_turn, num_posts)
        ]
        _print("post|split|hashtags|facts", of_posts, labels=4)


def _print(columns: str, rows: Iterable[Sequence[Any]], *, labels: int = 1) -> None:
    """Prints a table, with separators of thousands; `columns` are separated by `|`."""
    table = number_table(*columns.split("|"), labels=labels)
    for column in table.columns:
        column.no_wrap = False  # long hashtags and ids are shown whole
    for row in rows:
        table.add_row(*(Text(cell if isinstance(cell, str) else f"{cell:,}") for cell in row))
    fitting().print(table)


def _overview(scan: Scan) -> Iterator[tuple[str, str]]:
    manifest, counts = scan.manifest, scan.manifest.counts
    yield "posts read", f"{counts['posts_read']:,}"
    yield "posts written", f"{counts['posts_written']:,}"
    for title in ("rejected", "dropped"):
        reasons = f": {_join(counts[title])}" if counts[title] else ""
        yield title, f"{sum(counts[title].values()):,}{reasons}"
    yield "vocabulary", f"{manifest.num_tags:,} hashtags"
    descriptor = f"{manifest.descriptor_size:,} {manifest.descriptor_dtype} values"
    if scan.num_zeros:
        descriptor += f", {scan.num_zeros:,} posts with zeros alone"
    yield "descriptor", descriptor
    yield "CNN", _join(manifest.cnn) if manifest.cnn else "none, ready descriptors"
    if manifest.image_decoder:
        yield "images", _join(manifest.image_decoder)
    if masked := manifest.masked_facts:
        yield "alike in all training posts, ignored by models", ", ".join(masked)
    distribution = str(manifest.distribution["name"])
    if target := manifest.distribution.get("target"):
        distribution += f", hashtags thinned out to {target:.6g} posts"
    yield "distribution", distribution
    yield "privacy", _join(manifest.privacy)
    yield "versions", _join(manifest.versions)


def _facts(post: Mapping[str, Any], facts: Sequence[Fact]) -> str:
    """What is known of a post's user, in words."""
    known = ((fact, post[fact.name]) for fact in facts if post[fact.name] == post[fact.name])
    words = ((fact.name, value if fact.is_text else f"{value:g}") for fact, value in known)
    return ", ".join(f"{name} {printable(word)}" for name, word in words if word) or "-"


def _join(values: Mapping[str, Any]) -> str:
    """Names and values of a dict, for one line."""
    return ", ".join(
        printable(f"{name} {value:,}" if type(value) is int else f"{name} {value}")
        for name, value in values.items()
    )
