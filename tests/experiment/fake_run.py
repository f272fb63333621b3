"""Stands for tagkeras.train and tagkeras.evaluate in tests: at once, without TensorFlow.

    python fake_run.py train|evaluate TEMPLATE NAME FOLDER

Appends a line to TEMPLATE/calls. `train` fails where TEMPLATE/fail-NAME is there; `evaluate` copies
the evaluation in TEMPLATE/DATASET.
"""

import shutil
import sys
from pathlib import Path

step, template, name, folder = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
with (template / "calls").open("a") as calls:
    calls.write(f"{step} {name}\n")
marker = name.replace("/", "-")
if step == "train":
    folder.mkdir(parents=True, exist_ok=True)
    if (template / f"fail-{marker}").exists():
        sys.exit("no luck today")
    (folder / "config.json").write_text("{}")
else:
    shutil.copytree(template / name.split("/")[0], folder)
