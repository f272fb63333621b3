"""From nothing to tags: runs every command of tagkeras once, on a small world of drawn photos.

    make quickstart          # or: python examples/quickstart.py FOLDER

Everything lies under ./quickstart afterwards, or under FOLDER; what is there already is not made
again. This script runs commands, each of which can be typed, and prints them as it goes.
"""

import json
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart")
MODELS = ("bilinear", "user_biased", "multiplicative")
POSTS, CNN_IMAGES, EPOCHS = 32_000, 7_000, 15
PEOPLE = (
    {"name": "she, 16, London", "age": 16, "gender": "female", "country": "GB",
     "latitude": 51.5, "longitude": -0.1},
    {"name": "he, 34, Denver", "age": 34, "gender": "male", "country": "US",
     "latitude": 39.7, "longitude": -105.0},
    {"name": "she, 41, Sydney", "age": 41, "gender": "female", "country": "AU",
     "latitude": -33.9, "longitude": 151.2},
    {"name": "unknown"},
)  # fmt: skip
CONSOLE = Console(highlight=False)


def command(module: str, *flagfile: str, **options: object) -> list[str]:
    """`python -m module --name=value ...`."""
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", module, *flagfile, *flags]


def show(argv: Sequence[str]) -> str:
    """The command as one would type it."""
    return shlex.join(["python", *argv[1:]])


def run(title: str, *steps: tuple[Path, list[str]], at_once: int = 1) -> None:
    """Runs the commands whose output is not there yet.

    Args:
        title: what they do.
        *steps: the file that a command makes at its end, and the command.
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
            sys.exit(f"quickstart: this command failed, see above: {show(argv)}")
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


def compare() -> None:
    """Prints the three models' metrics beside the baseline and the oracles, and keeps them."""
    all_metrics = {
        model: json.loads((ROOT / "eval" / model / "metrics.json").read_text()) for model in MODELS
    }
    first = next(iter(all_metrics.values()))
    rows = {name.replace("_", " "): row for name, row in first.items() if isinstance(row, dict)}
    oracle = rows.pop("oracle")
    rows |= {f"{model.replace('_', '-')} model": m for model, m in all_metrics.items()}
    rows["oracle: the world's own probabilities"] = oracle
    names = list(oracle)
    table = Table(title=f"hashtags of {first['num_posts']:,} test posts")
    table.add_column("ranked by")
    lines = ["| ranked by | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for name in names:
        table.add_column(name, justify="right")
    for label, row in rows.items():
        cells = [f"{100 * row[name]:.1f}%" for name in names]
        table.add_row(label, *cells)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    CONSOLE.print(table)
    (ROOT / "comparison.md").write_text("\n".join(lines) + "\n")


def choose_photo() -> Path:
    """A picture of a ball alone: football here, soccer there."""
    with (ROOT / "world" / "concepts.jsonl").open() as lines:
        for line in lines:
            picture = json.loads(line)
            if picture["concepts"] == ["ball"]:
                return ROOT / "world" / picture["image"]
    sys.exit("quickstart: no picture of a ball alone: remove ./quickstart/world and start again")


def ask(photo: Path) -> None:
    """Starts the server, asks it about one photo as four people, and stops it."""
    people = ROOT / "people.jsonl"
    people.write_text("".join(json.dumps(person) + "\n" for person in PEOPLE))
    base = (ROOT / "export" / "hashtags").resolve()
    argv = command("serving.server", port=0, model_name="hashtags", model_base_path=base)
    CONSOLE.print(f"[dim]$ {show(argv)}[/dim]", soft_wrap=True)
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        address = wait_for_address(server)
        question = {"server": address, "model_name": "hashtags", "image": photo, "users": people}
        argv = command("serving.client", **question)
        CONSOLE.print(f"[dim]$ {show(argv)}[/dim]", soft_wrap=True)
        picture = subprocess.Popen(
            [*command("serving.client", **question), "--json"], stdout=subprocess.PIPE, text=True
        )
        subprocess.run(argv, check=True)
        answers, _ = picture.communicate()
        (ROOT / "answers.json").write_text(answers)
        drawing = [str(Path(__file__).with_name("picture.py")), str(ROOT / "answers.json")]
        subprocess.run([sys.executable, *drawing, str(ROOT / "answers.png")], check=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def wait_for_address(server: subprocess.Popen[str]) -> str:
    """The host:port of the line that the server prints when it is ready."""
    assert server.stdout is not None
    for line in server.stdout:
        CONSOLE.print(line.rstrip(), markup=False, soft_wrap=True)
        if "127.0.0.1:" in line or "0.0.0.0:" in line or "localhost:" in line:
            port = line.rsplit(":", 1)[1].split()[0]
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return f"127.0.0.1:{port}"
    sys.exit("quickstart: the server did not start, see above")


def main() -> None:
    """Runs all stages and says where everything lies."""
    start = time.monotonic()
    world, concepts, dataset = ROOT / "world", ROOT / "concepts", ROOT / "dataset"
    run(
        "1. Draw a small world: photos, users, hashtags; and other photos to train a CNN on",
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
    cnn = ROOT / "cnn.keras"
    run(
        "2. Train a CNN on what the pictures show",
        (cnn, command("tagkeras.pretrain", data=concepts, output=cnn)),
    )
    run(
        "3. Posts to TFRecords with Apache Beam",
        (
            dataset / "dataset.json",
            command(
                "beam.preprocess",
                "--flagfile=configs/quickstart_preprocess.flags",
                input=world / "posts.jsonl",
                output=dataset,
                cnn=cnn,
            ),
        ),
    )
    runs = ROOT / "runs"
    run(
        "4. Train the three models",
        *(
            (
                # What follows; a run that was not finished goes on where it stopped.
                ROOT / "eval" / model / "metrics.json",
                command(
                    "tagkeras.train",
                    "--flagfile=configs/quickstart_train.flags",
                    model=model,
                    data=dataset,
                    workdir=runs / model,
                    epochs=EPOCHS,
                ),
            )
            for model in reversed(MODELS)
        ),
        at_once=2,
    )
    run(
        "5. Evaluate them on users they never saw",
        *(
            (
                ROOT / "eval" / model / "metrics.json",
                command(
                    "tagkeras.evaluate",
                    workdir=runs / model,
                    data=dataset,
                    oracle=world / "oracle.parquet",
                    output=ROOT / "eval" / model,
                ),
            )
            for model in MODELS
        ),
        at_once=2,
    )
    compare()
    best = runs / "multiplicative"
    base = ROOT / "export" / "hashtags"
    run(
        "6. Export the multiplicative model",
        (
            base / "1" / "saved_model.pb",
            command("tagkeras.export", workdir=best, data=dataset, output=base),
        ),
    )
    CONSOLE.print("\n[bold]7. Serve it, and ask about one photo as four people[/bold]")
    photo = choose_photo()
    ask(photo)
    CONSOLE.print(
        f"""
[bold]Done[/bold] in {time.monotonic() - start:.0f} s. Everything lies in {ROOT}:
  world/posts.jsonl, world/images/   posts and photos     dataset/   TFRecords, vocabulary
  runs/MODEL/                        checkpoints, logs    eval/MODEL/metrics.json
  comparison.md, answers.png         table, picture       export/hashtags/1/   the SavedModel

Next, serve it and ask about any photo:
  .venv/bin/python -m serving.server --port=8500 --model_name=hashtags \\
      --model_base_path={base.resolve()} &
  .venv/bin/python -m serving.client --server=localhost:8500 --model_name=hashtags \\
      --image={photo} --age=16 --country=GB
or train on your own posts: README.md, "Your own posts".""",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
