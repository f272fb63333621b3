"""Where a dataset may be written, and the manifest that says what is in it."""

import platform
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from beam.posts import OTHER_KIND
from beam.settings import Config
from beam.shards import DUPLICATE, ShardSummary
from beam.sources import InputFile
from beam.staging import StagedBlock
from tagkeras import __version__
from tagkeras.data.manifest import FILE_NAME, Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.errors import UserError

_LIBRARIES = ("apache-beam", "keras", "numpy", "pyarrow", "tensorflow")


def check_output(output: str, inputs: Sequence[InputFile], image_root: str | None) -> Path:
    """The folder to write to.

    Raises:
        UserError: it holds something else than a dataset, or what is to be read.
    """
    if "://" in output:
        raise UserError(f"--output={output}: write to a folder, and copy the dataset from there")
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--output={output} is a file: name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FILE_NAME).is_file():
        raise UserError(
            f"--output={output} holds other things than a dataset: name another folder or an empty"
            " one"
        )
    resolved = folder.resolve()
    for path in (*(file.path for file in inputs), image_root):
        if path and "://" not in path and Path(path).resolve().is_relative_to(resolved):
            raise UserError(
                f"--output={output} would replace what is to be read, {path}: name another folder"
            )
    return folder


def check_rejected(blocks: Sequence[StagedBlock], num_duplicates: int, limit: float) -> None:
    """Makes sure that the posts are worth going on with.

    Raises:
        UserError: too many are rejected, all are, or some are of the other kind.
    """
    rejected = count_rejected(blocks, num_duplicates)
    posts_read = sum(block.posts_read for block in blocks)
    examples = {r: text for block in reversed(blocks) for r, text in block.examples.items()}
    if rejected[OTHER_KIND]:
        raise UserError(
            f"some posts have images and some descriptors: preprocess them apart; the first of"
            f" {rejected[OTHER_KIND]:,}: {examples[OTHER_KIND]}"
        )
    if not rejected:
        return
    most = max(rejected, key=lambda reason: rejected[reason])
    most_often = f"most often {most}: {examples.get(most, 'an id came before')}"
    if rejected.total() == posts_read:
        raise UserError(f"all {posts_read:,} posts are rejected, {most_often}")
    if rejected.total() > limit * posts_read:
        raise UserError(
            f"{rejected.total():,} of {posts_read:,} posts are rejected, more than"
            f" --max_rejected_fraction={limit}, {most_often}"
        )


def count_rejected(blocks: Sequence[StagedBlock], num_duplicates: int) -> Counter[str]:
    """Rejected posts by reason."""
    rejected = sum((Counter(block.rejected) for block in blocks), Counter[str]())
    if num_duplicates:
        rejected[DUPLICATE] += num_duplicates
    return rejected


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
    balance_target: float | None,
    blocks: Sequence[StagedBlock],
    summary: ShardSummary,
) -> Manifest:
    """The manifest of a dataset that has been written."""
    rejected = count_rejected(blocks, summary.duplicates)
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
        versions={
            "tagkeras": __version__,
            "python": platform.python_version(),
            **{library: metadata.version(library) for library in _LIBRARIES},
        },
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


def summarize(manifest: Manifest, output: Path) -> str:
    """What was done, for the screen."""
    counts = manifest.counts
    lines = [f"{counts['posts_read']:,} posts read"]
    written = ", ".join(f"{name} {split['posts']:,}" for name, split in manifest.splits.items())
    lines.append(f"{counts['posts_written']:,} posts written: {written}")
    for title in ("rejected", "dropped"):
        if counts[title]:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts[title].items())
            lines.append(f"{sum(counts[title].values()):,} posts {title}: {reasons}")
    lines.append(
        f"{manifest.num_tags:,} hashtags, {manifest.splits['train']['tag_pairs']:,} training pairs,"
        f" descriptors of {manifest.descriptor_size} {manifest.descriptor_dtype} values"
    )
    lines.append(f"wrote {output}")
    return "\n".join(lines)
