"""From nothing to tags: runs every command of tagkeras once, on a small world of drawn photos.

    make quickstart          # or: python examples/quickstart.py FOLDER

Everything lies under ./quickstart afterwards, or under FOLDER; what is there already is not made
again. This script runs commands, each of which can be typed, and prints them as it goes.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from rich.table import Table
from stages import CONSOLE, command, draw_world, preprocess, run, show, train_cnn

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart")
MODELS = ("bilinear", "user_biased", "multiplicative")
EPOCHS = 15
PEOPLE = (
    {"name": "she, 16, London", "age": 16, "gender": "female", "country": "GB",
     "latitude": 51.5, "longitude": -0.1},
    {"name": "he, 34, Denver", "age": 34, "gender": "male", "country": "US",
     "latitude": 39.7, "longitude": -105.0},
    {"name": "she, 41, Sydney", "age": 41, "gender": "female", "country": "AU",
     "latitude": -33.9, "longitude": 151.2},
    {"name": "unknown"},
)  # fmt: skip


def compare() -> None:
    """Prints the three models' metrics beside the baseline and the oracles, and keeps them."""
    all_metrics = {
        model: json.loads((ROOT / "eval" / model / "metrics.json").read_text()) for model in MODELS
    }
    first = next(iter(all_metrics.values()))
    rows = {name.replace("_", " "): first[name] for name in first["intervals"] if name != "model"}
    oracle = rows.pop("oracle")
    rows |= {f"{model.replace('_', '-')} model": m for model, m in all_metrics.items()}
    rows["oracle: the world's own probabilities"] = oracle
    names = ("P@1", "R@10", "A@10")
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
        *draw_world(world, concepts),
    )
    cnn = ROOT / "cnn.keras"
    run(
        "2. Train a CNN on what the pictures show",
        train_cnn(concepts, cnn),
    )
    run(
        "3. Posts to TFRecords with Apache Beam",
        preprocess(world, cnn, dataset),
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
                    age_groups="25,37,57",
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
    first, *others = (ROOT / "eval" / model for model in reversed(MODELS))
    run(
        "8. Put all of it on a page",
        (
            ROOT / "report" / "report.html",
            command(
                "tagkeras.report",
                run=first,
                compare=",".join(map(str, others)),
                posts=world / "posts.jsonl",
                hashtag_kinds=world / "hashtags.tsv",
                output=ROOT / "report",
            ),
        ),
    )
    CONSOLE.print(
        f"""
[bold]Done[/bold] in {time.monotonic() - start:.0f} s. Everything lies in {ROOT}:
  world/posts.jsonl, world/images/   posts and photos     dataset/   TFRecords, vocabulary
  runs/MODEL/                        checkpoints, logs    eval/MODEL/metrics.json
  comparison.md, answers.png         table, picture       export/hashtags/1/   the SavedModel
  report/report.html                 all of it on a page: open it in a browser

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
