"""The manifest of a dataset, and what is said of it on the screen."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from beam.posts.peek import InputKind
from beam.posts.rows import InputFile
from beam.preprocess.config import Config
from beam.preprocess.shards import ShardSummary
from beam.preprocess.user_facts import Statistics
from beam.running.runner import versions
from beam.staging.passes import StagedPosts, describe_losses
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import DescriptorCnn


def make_manifest(
    config: Config,
    *,
    inputs: Sequence[InputFile],
    kind: InputKind,
    cnn: DescriptorCnn | None,
    key_source: str,
    vocabulary: Vocabulary,
    statistics: Statistics,
    num_stop_tags: int,
    balance_target: float | None,
    staged: StagedPosts,
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
        descriptor_size=cnn.descriptor_size if cnn else kind.descriptor_size or 0,
        descriptor_dtype=config.descriptor_dtype,
        num_tags=len(vocabulary),
        splits={split: dict(counts) for split, counts in summary.splits.items()},
        user_descriptor=statistics.facts.to_dict() | summary.facts.to_manifest(),
        **(_describe_cnn(cnn) if cnn else {}),
        distribution=distribution,
        vocabulary={
            "max_tags": config.max_tags,
            "min_tag_count": config.min_tag_count,
            "min_tag_users": config.min_tag_users,
            "stop_tags": num_stop_tags,
        },
        fractions=statistics.fractions,
        seeds={"split": config.split_seed, "balance": config.split_seed},
        privacy={
            "user_ids": "HMAC-SHA256",
            "post_ids": "kept" if config.post_ids == "keep" else "HMAC-SHA256",
            "id_key": key_source,
            "location_decimals": config.location_decimals,
        },
        counts={
            "posts_read": staged.posts_read,
            "posts_written": posts_written,
            "rejected": staged.rejected,
            "dropped": dict(sorted((staged.dropped + summary.dropped).items())),
            "hashtags_refused": sum(block.hashtags_refused for block in staged.blocks),
        },
        input={"kind": kind.kind, "files": len(inputs), "bytes": sum(file.size for file in inputs)},
        versions=versions(),
    )


def histogram(counts: np.ndarray) -> dict[str, int]:
    """How many tags are on so many posts: `0`, `1`, `2-3`, `4-7` and so on."""
    exponents = np.floor(np.log2(np.maximum(counts, 1))).astype(int)
    result = {"0": int((counts == 0).sum())}
    for exponent in range(int(exponents.max(initial=0)) + 1):
        low, high = 2**exponent, 2 ** (exponent + 1) - 1
        name = str(low) if low == high else f"{low}-{high}"
        result[name] = int(((counts >= low) & (counts <= high)).sum())
    return result


def summarize(manifest: Manifest, config: Config) -> str:
    """What was done, for the screen."""
    counts = manifest.counts
    written = ", ".join(f"{name} {split['posts']:,}" for name, split in manifest.splits.items())
    lines = [
        f"{counts['posts_read']:,} posts read",
        f"{counts['posts_written']:,} posts written: {written}",
        f"--test_posts={config.test_posts}: {manifest.fractions['test']:.4g} of the users"
        if config.test_posts
        else "",
        *(describe_losses(title, counts[title]) for title in ("rejected", "dropped")),
        f"{manifest.num_tags:,} hashtags, {manifest.splits['train']['tag_pairs']:,} training pairs,"
        f" descriptors of {manifest.descriptor_size} {manifest.descriptor_dtype} values",
        *_describe_facts(manifest),
        f"wrote {config.output}",
    ]
    return "\n".join(line for line in lines if line)


def _describe_facts(manifest: Manifest) -> Iterator[str]:
    seen = manifest.user_descriptor["seen"]
    for category, values in manifest.facts.values.items():
        yield (
            f"{category}: {len(values):,} values kept, {seen[category]['not_kept']:,} training"
            " posts with others, which count as unknown"
        )
    if masked := manifest.masked_facts:
        yield f"alike in all training posts, so that models will ignore it: {', '.join(masked)}"


def _describe_cnn(cnn: DescriptorCnn) -> dict[str, Any]:
    size = dict(zip(("height", "width"), cnn.image_size, strict=True))
    weights = cnn.weights_sha256()
    return {
        "image_decoder": {**size, "resize": "bilinear, antialiased", "exif": "honoured"},
        "cnn": {"name": cnn.short_name, "layer": cnn.layer, "weights_sha256": weights},
    }
