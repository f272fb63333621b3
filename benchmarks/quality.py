"""How well models and losses rank posts with planted image x user structure.

    python -m benchmarks.quality --folder=DIR

Plants posts (`benchmarks.planted`), preprocesses them, and trains what is compared, each over a
grid of learning rates until validation stops improving, the best rate chosen by validation R@10.
Runs are kept in DIR, and those that are finished are not done again. Prints one JSON object:

- `losses`: the multiplicative model by WARP and by full softmax, and the ratio of their metrics.
- `models`: the three models by WARP, beside the frequency baseline and the oracle.
- `batch`: batches of 4,096 beside the default ones after the same epochs, each at its best rate.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from benchmarks.processes import run_module
from tagkeras.cli.commandline import option, run
from tagkeras.train.workdir import Workdir

MODELS = ("bilinear", "user_biased", "multiplicative")
METRICS = ("P@1", "R@10", "A@10")
UNTIL_IT_STOPS = {"schedule": "plateau", "early_stopping": 4, "epochs": 60}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    folder: str = option(help="folder of the posts, the dataset and the runs")
    posts: int = option(100_000, help="number of posts", minimum=1000)
    descriptor_size: int = option(256, help="n", minimum=1)
    tags: int = option(2000, help="size of the vocabulary", minimum=20)
    learning_rates: tuple[str, ...] = option(("0.2", "0.4", "0.8", "1.6"), help="the grid")
    large_batch_rates: tuple[str, ...] = option(
        ("1.6", "3.2", "6.4"), help="the grid of the batch of 4,096"
    )
    parts: tuple[str, ...] = option(("losses", "models", "batch"), help="what to compare")


def main(config: Config) -> None:
    """Makes what is missing and prints."""
    folder = Path(config.folder)
    size = {"descriptor_size": config.descriptor_size, "tags": config.tags}
    if not (folder / "dataset").exists():
        run_module("benchmarks.planted", output=folder, posts=config.posts, **size)
        run_module("beam.preprocess", input=folder / "posts.parquet", output=folder / "dataset")
    compared = _Compared(folder, config.learning_rates)
    result = {"benchmark": "quality", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    if "losses" in config.parts:
        by_loss = {
            loss: compared.best(model="multiplicative", loss=loss, **UNTIL_IT_STOPS)
            for loss in ("warp", "softmax")
        }
        result["losses"] = {
            **by_loss,
            "warp_to_softmax": {
                name: round(by_loss["warp"][name] / by_loss["softmax"][name], 4) for name in METRICS
            },
        }
    if "models" in config.parts:
        by_model = {
            model: compared.best(model=model, loss="warp", **UNTIL_IT_STOPS) for model in MODELS
        }
        result["models"] = {**compared.bounds, **by_model}
    if "batch" in config.parts:
        small = compared.best(epochs=15)
        large = compared.best(config.large_batch_rates, epochs=15, batch_size=4096)
        ratio = round(large["P@1"] / small["P@1"], 4)
        result["batch"] = {"default": small, "4096": large, "ratio_of_P@1": ratio}
    print(json.dumps(result))


class _Compared:
    """Runs over a grid of learning rates, each trained and evaluated once."""

    def __init__(self, folder: Path, learning_rates: tuple[str, ...]) -> None:
        self._folder = folder
        self._learning_rates = learning_rates
        self.bounds: dict[str, Any] = {}

    def best(self, learning_rates: tuple[str, ...] = (), **flags: Any) -> dict[str, Any]:
        """Test metrics of the run whose validation is best, and what it took."""
        runs = [self._train(rate, flags) for rate in learning_rates or self._learning_rates]
        workdir = max(runs, key=lambda run: run.best_epoch()["val_R@10"])
        metrics = self._evaluate(workdir)
        self.bounds = {name: metrics[name] for name in ("frequency_baseline", "oracle")}
        rates = {str(run.config()["learning_rate"]): run.best_epoch()["val_R@10"] for run in runs}
        return {
            **{name: round(metrics[name], 4) for name in METRICS},
            "learning_rate": workdir.config()["learning_rate"],
            "best_epoch": workdir.best_epoch()["epoch"],
            "validation_R@10_by_rate": {rate: round(value, 4) for rate, value in rates.items()},
        }

    def _train(self, rate: str, flags: dict[str, Any]) -> Workdir:
        name = "-".join(str(value) for value in (*flags.values(), rate))
        workdir = self._folder / "runs" / name
        done = workdir / "done"
        if not done.exists():
            run_module(
                "tagkeras.train",
                data=self._folder / "dataset",
                workdir=workdir,
                learning_rate=rate,
                cache="memory",
                **flags,
            )
            done.touch()
        return Workdir(workdir)

    def _evaluate(self, workdir: Workdir) -> dict[str, Any]:
        output = self._folder / "eval" / workdir.path.name
        if not (output / "metrics.json").exists():
            run_module(
                "tagkeras.evaluate",
                workdir=workdir.path,
                data=self._folder / "dataset",
                output=output,
                oracle=self._folder / "oracle.parquet",
            )
        return json.loads((output / "metrics.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main, Config)
