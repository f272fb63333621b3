"""Flags of `tagkeras.train` that do not go together."""

from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.train.config import Config


def check_flags(config: Config, dataset: Path, manifest: Manifest) -> None:
    """Refuses flags that do not go together, or not with the dataset.

    Raises:
        UserError: names them and says what to do.
    """
    if manifest.num_tags < 2:
        raise UserError(
            f"{dataset} has a vocabulary of {manifest.num_tags} tag: ranking needs at least 2;"
            " preprocess posts with more hashtags, or lower --min_tag_count"
        )
    if not manifest.splits["validation"]["posts"]:
        if config.schedule == "plateau":
            raise UserError(f"{dataset} has no validation posts: choose another --schedule")
        if config.early_stopping:
            raise UserError(f"{dataset} has no validation posts: leave out --early_stopping")
    if config.jit_compile and config.loss == "warp" and config.sampler == "sequential":
        raise UserError(
            "--jit_compile: XLA cannot compile --sampler=sequential: choose another --sampler or"
            " leave out --jit_compile"
        )
    for other, is_given in (
        ("--jit_compile", config.jit_compile),
        (f"--steps_per_execution={config.steps_per_execution}", config.steps_per_execution > 1),
    ):
        if is_given and config.hogwild_threads:
            threads = f"--hogwild_threads={config.hogwild_threads}"
            raise UserError(f"{threads} and {other} do not go together: leave one out")
    strategy = f"--strategy={config.strategy}"
    for other, is_given in (
        (f"--hogwild_threads={config.hogwild_threads}", config.hogwild_threads > 0),
        ("--jit_compile", config.jit_compile),
        (f"--cache={config.cache}", config.cache == "device"),
        (f"--precision={config.precision}", config.precision == "mixed_float16"),
    ):
        if is_given and config.strategy != "none":
            raise UserError(f"{strategy} and {other} do not go together: leave one out")
