"""Options whose best value depends on the data, where no flag gives one.

Chosen by validation on several sets, real and planted; docs/training.md has the measurements.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tagkeras.data.manifest import Manifest
from tagkeras.train.config import Config

UNSET = (None, "auto")
# Posts that are trained on between two looks at the loss and the clock.
POSTS_PER_CALL = 4096
# Few posts learn more from small steps and a longer average; many, as much from large ones.
FEW_POSTS, MANY_POSTS = 10_000, 50_000
# Bytes of training posts that are kept in memory without being asked to.
MAX_CACHED_BYTES = 2**30


def choose_defaults(
    config: Config, manifest: Manifest, started: Mapping[str, Any], *, has_gpu: bool = False
) -> tuple[Config, list[str]]:
    """Fills in the options that no flag gave.

    Args:
        config: of the command.
        manifest: of its dataset.
        started: config of the run that it resumes, whose values hold; empty for a new run.
        has_gpu: whether there is a GPU, which large steps use better.

    Returns:
        The config with all options, and a line for each one chosen here: its value and the reason.
    """
    posts = manifest.splits["train"]["posts"]
    said = []

    def choose(name: str, value: Any, reason: str) -> None:
        nonlocal config
        if getattr(config, name) in UNSET:
            value = value if started.get(name) in UNSET else started[name]
            config = dataclasses.replace(config, **{name: value})
            said.append(f"--{name}={value}: {reason}")

    of_posts = f"{posts:,} training posts"
    size = 32 if posts < FEW_POSTS else 64 if posts < MANY_POSTS else 512 if has_gpu else 128
    choose("batch_size", size, f"{of_posts}, a GPU" if size == 512 else of_posts)
    choose("epochs", 30 if posts < FEW_POSTS else 15, of_posts)
    choose("rank", 100 if posts < MANY_POSTS else 200, of_posts)
    choose("averaged_epochs", 0.8 if posts < FEW_POSTS else 0.25, of_posts)
    # With few posts most tags are rare, and the first thousand draws miss the tags at the top.
    most = min(max(manifest.num_tags, 1000), 10_000) if posts < FEW_POSTS else 1000
    reason = f"{of_posts}, {manifest.num_tags:,} tags" if most > 1000 else of_posts
    choose("max_negatives", most if config.loss == "warp" else 1000, reason)
    assert config.batch_size is not None
    tags = manifest.splits["train"].get("tag_pairs", posts) / max(posts, 1)
    rate = config.rate_for(config.batch_size, tags)
    if posts < FEW_POSTS and config.optimizer == "sgd":
        rate *= 1.5
    choose(
        "learning_rate",
        float(f"{rate:.4g}"),
        f"{config.optimizer}, {config.batch_size} posts a step",
    )
    is_small = posts < 10 * manifest.descriptor_size
    reason = f"{posts:,} posts, {manifest.descriptor_size:,} values an image"
    choose("descriptor_dropout", 0.5 if is_small else 0.0, reason)
    steps = 1 if config.hogwild_threads else max(1, POSTS_PER_CALL // config.batch_size)
    choose("steps_per_execution", steps, f"{config.batch_size} posts a step")
    num_bytes = posts * 4 * (manifest.descriptor_size + manifest.user_descriptor["size"])
    cache = "memory" if num_bytes <= MAX_CACHED_BYTES else "none"
    choose("cache", cache, f"{num_bytes / 2**20:,.0f} MiB of posts")
    return config, said
