"""Validation P@1 by epoch of the three models by the paper's recipe, one post at a time.

    python -m benchmarks.curves --data=DATASET --folder=DIR

takes a dataset such as `benchmarks.quality` leaves in its folder. Runs are kept in DIR, and go on
there. Prints one JSON object.
"""

import csv
import dataclasses
import json
import os
from pathlib import Path

from benchmarks.processes import run_module
from tagkeras.cli.commandline import option, run
from tagkeras.train.workdir import Workdir

PAPER = {"flagfile": "configs/paper.flags"}
RUNS = {
    "bilinear": {**PAPER, "model": "bilinear"},
    "user-biased": {**PAPER, "model": "user_biased"},
    "multiplicative": {"flagfile": "configs/paper_multiplicative.flags"},
    "multiplicative from 0.001, its user layer from 1, bias 0.5": {
        "flagfile": "configs/paper_multiplicative.flags",
        "initial_stddev": 0.001,
        "tag_stddev": 0.001,
        "user_stddev": 1,
        "user_bias": 0.5,
        "rank_weight": "harmonic",
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    data: str = option(help="dataset of beam.preprocess")
    folder: str = option(help="folder of the runs")
    epochs: int = option(7, help="passes of each run", minimum=1)


def main(config: Config) -> None:
    """Trains what is missing and prints."""
    curves = {}
    for name, flags in RUNS.items():
        workdir = Path(config.folder) / name.replace(" ", "-").replace(",", "").replace(":", "")
        flags = {**flags, "epochs": config.epochs}
        # A file of flags comes first: those after it win.
        ordered = {name: flags[name] for name in sorted(flags, key=lambda n: n != "flagfile")}
        run_module("tagkeras.train", **ordered, data=config.data, workdir=workdir)
        with Workdir(workdir).history.open(encoding="utf-8", newline="") as lines:
            curves[name] = [round(float(row["val_P@1"]), 4) for row in csv.DictReader(lines)]
    result = {"benchmark": "curves", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    print(json.dumps({**result, "validation_P@1": curves}))


if __name__ == "__main__":
    run(main, Config)
