"""Three tiny runs on one tiny dataset, their posts with photos, and an experiment of them."""

import io
import json
import shutil

import numpy as np
from parsed_page import ParsedPage
from PIL import Image
from tiny_dataset import write_dataset

from tagkeras.cli import commandline
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluate
from tagkeras.report.config import Config
from tagkeras.report.page import write_report
from tagkeras.train import train

# Of a page, in its order.
SECTIONS = (
    "results",
    "training",
    "tags",
    "tag-groups",
    "samples",
    "people",
    "users",
    "vocabulary",
    "groups",
    "data",
)
MODELS = ("bilinear", "user_biased", "multiplicative")
# Hashtags are what people type: this one would run if the page let it.
HOSTILE = "<script>alert(1)</script>"


def start_run(dataset, workdir, **options):
    options = {"batch_size": 50, "epochs": 2, "rank": 8, "embedding_dim": 8, **options}
    flags = [f"--{name}={value}" for name, value in options.items()]
    argv = [f"--data={dataset}", f"--workdir={workdir}", *flags]
    return train.train(commandline.parse(train.Config, argv))


def evaluate_run(dataset, workdir, output, *flags):
    argv = [f"--data={dataset}", f"--workdir={workdir}", f"--output={output}", *flags]
    return evaluate.evaluate(commandline.parse(evaluate.Config, argv))


def rename_tag(dataset, new_name, tag_id=0):
    """Gives a hashtag of a dataset another name."""
    path = dataset / "vocabulary.tsv"
    vocabulary = Vocabulary.load(path)
    tags = list(vocabulary.tags)
    tags[tag_id] = new_name
    Vocabulary(tuple(tags), vocabulary.counts).save(path)


def write_runs(folder, models=MODELS, **options):
    """`dataset/`, and for each model `runs/MODEL` and `eval/MODEL`, in a folder."""
    dataset = folder / "dataset"
    options = {"posts": 200, "validation": 40, "test": 120, "people": 12, **options}
    write_dataset(dataset, **options)
    rename_tag(dataset, HOSTILE)
    for model in models:
        start_run(dataset, folder / "runs" / model, model=model)
        evaluate_run(dataset, folder / "runs" / model, folder / "eval" / model)
    return folder


def photo(colour, size=(40, 30), **options):
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "JPEG", **options)
    return content.getvalue()


def write_posts(path, post_ids, tag=HOSTILE):
    """A file of posts with a photo each, in `images` beside it."""
    (path.parent / "images").mkdir(exist_ok=True)
    lines = []
    for number, post_id in enumerate(post_ids):
        image = f"images/{post_id}.jpg"
        (path.parent / image).write_bytes(photo((number % 256, 90, 120)))
        row = {"post_id": post_id, "user_id": "ann", "image": image, "hashtags": ["Tag1", tag]}
        lines.append(json.dumps({**row, "age": 34, "gender": "female", "country": "GB"}))
    path.write_text("\n".join(lines) + "\n")
    return path


def hash_post_ids(dataset):
    """Lets a dataset say that its post ids are hashes."""
    path = dataset / "dataset.json"
    values = json.loads(path.read_text())
    values["privacy"] = {"post_ids": "HMAC-SHA256", "user_ids": "HMAC-SHA256"}
    path.write_text(json.dumps(values))
    assert Manifest.load(dataset).privacy["post_ids"] != "kept"


def write_kinds(path, tags):
    kinds = np.random.default_rng(0).choice(["image", "user", "both", "neither"], len(tags))
    path.write_text("".join(f"{tag}\t{kind}\n" for tag, kind in zip(tags, kinds, strict=True)))
    return path


def table_of(world):
    """The CSV table of an experiment with one seed."""
    metrics = ("P@1", "R@10", "A@10")
    lines = ["method,d,K," + ",".join(f"{m},{m} low,{m} high,{m} paper" for m in metrics)]

    def add(method, sizes, values, intervals):
        cells = [f"{values[m]},{intervals[m][0]},{intervals[m][1]}," for m in metrics]
        lines.append(f"{method},{sizes},{','.join(cells)}")

    for model in MODELS:
        found = json.loads((world / "eval" / model / "metrics.json").read_text())
        if model == MODELS[0]:
            name = "frequency_baseline"
            add("frequency baseline", ",", found[name], found["intervals"][name])
        method = {"user_biased": "user-biased", "multiplicative": "3-way mult."}.get(model, model)
        sizes = "8,8" if model == "multiplicative" else "8,"
        add(method, sizes, found, found["intervals"]["model"])
    return "\n".join(lines) + "\n"


def write_experiment(folder, world, findings):
    """The folder of an experiment over runs that were trained and evaluated already."""
    listed = []
    for model in MODELS:
        rank = "-k8" if model == "multiplicative" else ""
        name = f"{model}-d8{rank}-seed0"
        shutil.copytree(world / "eval" / model, folder / "evaluations" / "natural" / name)
        listed.append(
            {
                "name": name,
                "dataset": "natural",
                "model": model,
                "workdir": str(world / "runs" / model),
                "evaluation": f"evaluations/natural/{name}",
            }
        )
    (folder / "tables").mkdir()
    (folder / "tables" / "natural.csv").write_text(table_of(world))
    content = {"datasets": {"natural": {"path": str(world / "dataset")}}, "runs": listed}
    (folder / "experiment.json").write_text(json.dumps(content))
    (folder / "findings.json").write_text(json.dumps(findings))
    return folder


def make_page(*argv):
    """The page of a report, taken apart."""
    config = commandline.parse(Config, [str(argument) for argument in argv])
    page = write_report(config, command=["python", "-m", "tagkeras.report"])
    return ParsedPage(page.read_text())
