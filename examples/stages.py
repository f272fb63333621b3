"""Stages that the examples share: commands run where their output is missing, and a small world.

Each stage is a command that can be typed; it is printed as it runs.
"""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

POSTS, CNN_IMAGES = 32_000, 7_000
CONSOLE = Console(highlight=False)
# The file that a command makes at its end, and the command.
Step = tuple[Path, list[str]]


def command(module: str, *flagfile: str, **options: object) -> list[str]:
    """`python -m module --name=value ...`."""
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", module, *flagfile, *flags]


def show(argv: Sequence[str]) -> str:
    """The command as one would type it."""
    return shlex.join(["python", *argv[1:]])


def run(title: str, *steps: Step, at_once: int = 1) -> None:
    """Runs the commands whose output is not there yet.

    Args:
        title: what they do.
        *steps: commands, each with the file that it makes at its end.
        at_once: how many run side by side.
    """
    waiting = [(output, argv) for output, argv in steps if not output.exists()]
    CONSOLE.print(f"\n[bold]{title}[/bold]" + ("" if waiting else "  (there already)"))
    start = time.monotonic()
    running: list[tuple[list[str], subprocess.Popen[str]]] = []
    while waiting or running:
        while waiting and len(running) < at_once:
            argv = waiting.pop(0)[1]
            CONSOLE.print(f"[dim]$ {show(argv)}[/dim]", soft_wrap=True)
            running.append((argv, start_process(argv, capture=at_once > 1)))
        argv, process = running.pop(0)
        output, _ = process.communicate()
        if process.returncode:
            CONSOLE.print(output or "", markup=False)
            for _, other in running:
                other.terminate()
            sys.exit(f"this command failed, see above: {show(argv)}")
        if output:
            CONSOLE.print(output.rstrip().splitlines()[-1], markup=False, soft_wrap=True)
    if time.monotonic() - start > 1:
        CONSOLE.print(f"[dim]{time.monotonic() - start:.0f} s[/dim]")


def start_process(argv: list[str], *, capture: bool) -> subprocess.Popen[str]:
    """Starts a command; its output is kept for later where several run side by side."""
    pipe = subprocess.PIPE if capture else None
    return subprocess.Popen(
        argv, stdout=pipe, stderr=subprocess.STDOUT if capture else None, text=True
    )


def draw_world(world: Path, concepts: Path) -> tuple[Step, Step]:
    """Draws photos, users and hashtags; and other photos to train a CNN on.

    Args:
        world: folder for the first.
        concepts: folder for the second.
    """
    return (
        (
            world / "posts.jsonl",
            command("tagkeras.synthetic", output=world, posts=POSTS, seed=1),
        ),
        (
            concepts / "concepts.jsonl",
            command(
                "tagkeras.synthetic", "--images_only", output=concepts, posts=CNN_IMAGES, seed=2
            ),
        ),
    )


def train_cnn(concepts: Path, cnn: Path) -> Step:
    """Trains a CNN on what the pictures show."""
    return cnn, command("tagkeras.pretrain", data=concepts, output=cnn)


def preprocess(world: Path, cnn: Path, dataset: Path, **options: object) -> Step:
    """Turns the world's posts into a dataset."""
    return (
        dataset / "dataset.json",
        command(
            "beam.preprocess",
            "--flagfile=configs/quickstart_preprocess.flags",
            input=world / "posts.jsonl",
            output=dataset,
            cnn=cnn,
            **options,
        ),
    )
