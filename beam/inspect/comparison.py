"""What was found in the shards of a dataset against what the manifest and the vocabulary say."""

from collections.abc import Iterator

import numpy as np

from beam.inspect.dataset_files import REMEDY, to_words
from beam.inspect.scan import Scan
from beam.preprocess.make_manifest import histogram
from beam.preprocess.shards import NO_TAG_LEFT
from beam.running import storage
from tagkeras.data.manifest import FILE_NAME, SPLIT_COUNTS, Manifest
from tagkeras.data.vocabulary import FILE_NAME as VOCABULARY
from tagkeras.data.vocabulary import Vocabulary


def compare_counts(dataset: str, manifest: Manifest, scan: Scan) -> Iterator[str]:
    """Problems with the counts of the manifest.

    A split that could not be read whole is left out: that is a problem already.
    """
    path, counts = storage.join(dataset, FILE_NAME), manifest.counts
    rejected, dropped = sum(counts["rejected"].values()), sum(counts["dropped"].values())
    if counts["posts_read"] != counts["posts_written"] + rejected + dropped:
        yield (
            f"{path}: {counts['posts_read']:,} posts read are not {counts['posts_written']:,}"
            f" written + {rejected:,} rejected + {dropped:,} dropped: {REMEDY}"
        )
    of_splits = sum(split["posts"] for split in manifest.splits.values())
    if counts["posts_written"] != of_splits:
        yield (
            f"{path}: {counts['posts_written']:,} posts written, but its splits have"
            f" {of_splits:,}: {REMEDY}"
        )
    for split, scanned in scan.splits.items():
        for name in SPLIT_COUNTS if scanned.is_whole else ():
            found, expected = scanned.counts[name], manifest.splits[split][name]
            if found != expected:
                yield (
                    f"{storage.join(dataset, split)}: {found:,} {name.replace('_', ' ')}, but"
                    f" dataset.json says {expected:,}: {REMEDY}"
                )


def compare_vocabulary(
    dataset: str, manifest: Manifest, vocabulary: Vocabulary, scan: Scan
) -> Iterator[str]:
    """Problems with `vocabulary.tsv`, whose counts are those of the training posts."""
    path, num_tags = storage.join(dataset, VOCABULARY), manifest.num_tags
    if len(vocabulary) != num_tags:
        yield (
            f"{path}: {len(vocabulary):,} hashtags, but dataset.json says {num_tags:,}: {REMEDY}"
        )
        return
    if not scan.splits["train"].is_whole:
        return
    kept = scan.kept.of(num_tags)
    found = kept + scan.removed.of(num_tags)
    absent = vocabulary.counts - found
    wrong = np.flatnonzero((absent < 0) | (absent > _may_be_absent(manifest, vocabulary)))
    if wrong.size:
        first = wrong[0]
        yield (
            f"{path}: {wrong.size:,} counts are not those of the training posts, the first that of"
            f" {to_words(vocabulary.tags[first])}, {vocabulary.counts[first]:,}, which"
            f" {found[first]:,} posts have: {REMEDY}"
        )
    histograms = manifest.distribution.get("tags_by_training_posts", {})
    for name, counts in (("natural", vocabulary.counts), ("balanced", kept)):
        if name in histograms and histograms[name] != histogram(counts):
            yield (
                f"{storage.join(dataset, FILE_NAME)}: the {name} histogram of hashtags is not that"
                f" of the training posts: {REMEDY}"
            )


def _may_be_absent(manifest: Manifest, vocabulary: Vocabulary) -> np.ndarray:
    """How many posts that the vocabulary counted may be in no shard, for each tag.

    Balancing drops the posts that no tag is left of, and takes only tags off that are more
    frequent than its target.
    """
    if manifest.distribution["name"] == "natural":
        return np.zeros(len(vocabulary), np.int64)
    dropped = manifest.counts["dropped"].get(NO_TAG_LEFT, 0)
    return np.where(vocabulary.counts > manifest.distribution["target"], dropped, 0)
