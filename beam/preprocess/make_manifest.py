"""The manifest of a dataset, and what is said of it on the screen."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from beam.posts.rows import InputFile
from beam.preprocess.settings import Config
from beam.preprocess.summary import ShardSummary
from beam.staging.stage_blocks import StagedBlock
from tagkeras import __version__
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary

_LIBRARIES = ("apache-beam", "keras", "numpy", "pyarrow", "tensorflow")


def make_manifest(
    config: Config,
    *,
    inputs: Sequence[InputFile],
    kind: str,
    descriptor_size: int,
    image_decoder: dict[str, Any] | None,
    cnn: dict[str, Any] | None,
    key_source: str,
    vocabulary: Vocabulary,
    num_stop_tags: int,
    balance_target: float | None,
    blocks: Sequence[StagedBlock],
    rejected: Counter[str],
    summary: ShardSummary,
) -> Manifest:
    """The manifest of a dataset that has been written."""
    distribution: dict[str, Any] = {"name": config.distribution}
    if balance_target is not None:
        distribution["target"] = balance_target
        distribution["tags_by_training_posts"] = {
            "natural": histogram(vocabulary.counts),
            "balanced": histogram(summary.kept_counts),
        }
    posts_written = sum(counts["posts"] for counts in summary.splits.values())
    return Manifest(
        descriptor_size=descriptor_size,
        descriptor_dtype=config.descriptor_dtype,
        num_tags=len(vocabulary),
        splits={split: dict(counts) for split, counts in summary.splits.items()},
        user_descriptor={
            "countries": list(config.countries),
            "location_decimals": config.location_decimals,
            "size": 5 + len(config.countries),
        },
        image_decoder=image_decoder,
        cnn=cnn,
        distribution=distribution,
        vocabulary={
            "max_tags": config.max_tags,
            "min_tag_count": config.min_tag_count,
            "min_tag_users": config.min_tag_users,
            "stop_tags": num_stop_tags,
        },
        fractions={"validation": config.validation_fraction, "test": config.test_fraction},
        seeds={"split": config.split_seed, "balance": config.split_seed},
        privacy={
            "user_ids": "HMAC-SHA256",
            "post_ids": "kept" if config.post_ids == "keep" else "HMAC-SHA256",
            "id_key": key_source,
            "location_decimals": config.location_decimals,
        },
        counts={
            "posts_read": sum(block.posts_read for block in blocks),
            "posts_written": posts_written,
            "rejected": dict(sorted(rejected.items())),
            "dropped": dict(sorted(summary.dropped.items())),
            "hashtags_refused": sum(block.hashtags_refused for block in blocks),
        },
        input={"kind": kind, "files": len(inputs), "bytes": sum(file.size for file in inputs)},
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Of this program and the libraries that shape its output."""
    return {
        "tagkeras": __version__,
        "python": platform.python_version(),
        **{library: metadata.version(library) for library in _LIBRARIES},
    }


def histogram(counts: np.ndarray) -> dict[str, int]:
    """How many tags are on so many posts: `0`, `1`, `2-3`, `4-7` and so on."""
    exponents = np.floor(np.log2(np.maximum(counts, 1))).astype(int)
    result = {"0": int((counts == 0).sum())}
    for exponent in range(int(exponents.max(initial=0)) + 1):
        low, high = 2**exponent, 2 ** (exponent + 1) - 1
        name = str(low) if low == high else f"{low}-{high}"
        result[name] = int(((counts >= low) & (counts <= high)).sum())
    return result


def summarize(manifest: Manifest, output: str) -> str:
    """What was done, for the screen."""
    counts = manifest.counts
    written = ", ".join(f"{name} {split['posts']:,}" for name, split in manifest.splits.items())
    lines = [
        f"{counts['posts_read']:,} posts read",
        f"{counts['posts_written']:,} posts written: {written}",
        *(describe_losses(title, counts[title]) for title in ("rejected", "dropped")),
        f"{manifest.num_tags:,} hashtags, {manifest.splits['train']['tag_pairs']:,} training pairs,"
        f" descriptors of {manifest.descriptor_size} {manifest.descriptor_dtype} values",
        f"wrote {output}",
    ]
    return "\n".join(line for line in lines if line)


def describe_losses(title: str, counts: dict[str, int]) -> str:
    """A line of what became of posts that were not written; empty if there are none."""
    if not counts:
        return ""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} posts {title}: {reasons}"
