"""Validation P@1 by epoch from the paper's settings, step by step to the defaults.

    python -m benchmarks.curves --data=DATASET --folder=DIR

takes a dataset such as `benchmarks.quality` leaves in its folder. Each run changes one thing of
the one before it. Runs are kept in DIR, and go on there. Prints one JSON object.
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
HOGWILD = {"batch_size": 8, "hogwild_threads": 2, "epochs": 1, "cache": "none"}
RUNS = {
    "paper, 8 posts a step on 2 threads": {**PAPER, **HOGWILD},
    "the same, weights from 0.1": {**PAPER, **HOGWILD, "initial_stddev": 0.1},
    "paper": PAPER,
    "weights from 0.1": {**PAPER, "initial_stddev": 0.1},
    "and rate 0.2": {**PAPER, "initial_stddev": 0.1, "learning_rate": 0.2},
    "and the user layer from 1, bias 0.5": {
        **PAPER,
        "initial_stddev": 0.1,
        "learning_rate": 0.2,
        "user_stddev": 1,
        "user_bias": 0.5,
    },
    "and Adagrad 0.05: the defaults": {},
    "the defaults, batch 4096": {"batch_size": 4096},
    "the defaults, batch 4096, rate 0.2": {"batch_size": 4096, "learning_rate": 0.2},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    data: str = option(help="dataset of beam.preprocess")
    folder: str = option(help="folder of the runs")
    epochs: int = option(8, help="passes of each run, but of those on 2 threads", minimum=1)


def main(config: Config) -> None:
    """Trains what is missing and prints."""
    curves = {}
    for name, flags in RUNS.items():
        workdir = Path(config.folder) / name.replace(" ", "-").replace(",", "").replace(":", "")
        flags = {"epochs": config.epochs, "cache": "memory", **flags}
        # A file of flags comes first: those after it win.
        ordered = {name: flags[name] for name in sorted(flags, key=lambda n: n != "flagfile")}
        run_module("tagkeras.train", **ordered, data=config.data, workdir=workdir)
        with Workdir(workdir).history.open(encoding="utf-8", newline="") as lines:
            curves[name] = [round(float(row["val_P@1"]), 4) for row in csv.DictReader(lines)]
    result = {"benchmark": "curves", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    print(json.dumps({**result, "validation_P@1": curves}))


if __name__ == "__main__":
    run(main, Config)
