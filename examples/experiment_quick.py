"""The paper's experiment in small: both distributions, all models, several seeds, and a report.

    make experiment-quick    # or: python examples/experiment_quick.py FOLDER

Everything lies under ./experiment afterwards, or under FOLDER; what is there already is not made
again, and the world and the CNN of a quickstart beside it are used. This script runs commands, each
of which can be typed, and prints them as it goes.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from stages import CONSOLE, command, draw_world, preprocess, run, show, train_cnn

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else "experiment")
SPEC = Path("configs/experiment_quick.yaml")
# Posts that a hashtag is thinned out to on the balanced data.
BALANCE_TARGET = 500


def take_from_quickstart() -> None:
    """Links the world and the CNN of a quickstart beside ROOT, which are the same."""
    quickstart = ROOT.parent / "quickstart"
    for name, needed in (
        ("world", "world/hashtags.tsv"),
        ("concepts", "concepts/concepts.jsonl"),
        ("cnn.keras", "cnn.keras"),
    ):
        if (quickstart / needed).exists() and not os.path.lexists(ROOT / name):
            (ROOT / name).symlink_to((quickstart / name).resolve())
            CONSOLE.print(f"uses {quickstart / name}")


def make_key(path: Path) -> None:
    """The key of user ids: with the same one, the same users have the same ids in both datasets."""
    if not path.exists():
        path.write_text(secrets.token_hex(32) + "\n")
        path.chmod(0o600)


def main() -> None:
    """Runs all stages and says where everything lies."""
    start = time.monotonic()
    ROOT.mkdir(parents=True, exist_ok=True)
    take_from_quickstart()
    world, concepts, cnn, key = (
        ROOT / name for name in ("world", "concepts", "cnn.keras", "id_key")
    )
    run(
        "1. Draw a small world: photos, users, hashtags; and other photos to train a CNN on",
        *draw_world(world, concepts),
    )
    run("2. Train a CNN on what the pictures show", train_cnn(concepts, cnn))
    make_key(key)
    balanced = {"distribution": "balanced", "balance_target": BALANCE_TARGET}
    run(
        "3. Posts to TFRecords with Apache Beam: as they are, and frequent hashtags thinned out",
        preprocess(world, cnn, ROOT / "natural", id_key_file=key),
        preprocess(world, cnn, ROOT / "balanced", id_key_file=key, **balanced),
        at_once=2,
    )
    # Paths in a specification are relative to it.
    spec, results = ROOT / "spec.yaml", ROOT / "results"
    shutil.copyfile(SPEC, spec)
    CONSOLE.print("\n[bold]4. Train and evaluate the grid, from several seeds[/bold]")
    run_again(command("tagkeras.experiment", spec=spec, output=results))
    CONSOLE.print("\n[bold]5. Put it on a page[/bold]")
    run_again(command("tagkeras.report", run=results, output=ROOT / "report"))
    CONSOLE.print(
        f"""
[bold]Done[/bold] in {time.monotonic() - start:.0f} s. Everything lies in {ROOT}:
  results/tables/     the paper's table of each dataset: Markdown, CSV, LaTeX
  results/findings.md which of the paper's claims these data show
  report/report.html  figures and samples, on a page
  natural/, balanced/ datasets    results/runs/, results/evaluations/   every run

The same of your own posts: docs/experiments.md""",
        soft_wrap=True,
    )


def run_again(argv: list[str]) -> None:
    """Runs a command that itself knows what is there already."""
    CONSOLE.print(f"[dim]$ {show(argv)}[/dim]", soft_wrap=True)
    if subprocess.run(argv, check=False).returncode:
        sys.exit(f"this command failed, see above: {show(argv)}")


if __name__ == "__main__":
    main()
