"""The specification of an experiment: a YAML file, read and checked."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import SPLITS, Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluate
from tagkeras.evaluate.config import Config as EvaluateConfig
from tagkeras.experiment.command_flags import read_flags
from tagkeras.experiment.section import Section
from tagkeras.experiment.yaml_document import YamlDocument
from tagkeras.names import MODELS
from tagkeras.train import config

MULTIPLICATIVE = "multiplicative"
_KEYS = ("datasets", "grid", "seeds", "split", "train", "evaluate")
_GRID_KEYS = ("model", "embedding_dim", "rank")
# Given by the grid, the seeds and the datasets.
_SET_BY_TRAIN = ("data", "workdir", "model", "embedding_dim", "rank", "seed", "strategy")
_SET_BY_EVALUATE = ("data", "workdir", "output", "split", "oracle")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A dataset, and what is known beside it.

    Attributes:
        path: folder that `beam.preprocess` wrote, absolute.
        oracle: Parquet file for `tagkeras.evaluate`.
        hashtag_kinds: file that says what each hashtag depends on.
        posts: the posts that the dataset was made of, for the report.
        image_root: folder of their images, for the report.
    """

    path: str
    oracle: str | None = None
    hashtag_kinds: str | None = None
    posts: str | None = None
    image_root: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class GridRow:
    """A model, and the sizes that it is trained in.

    Attributes:
        model: such as `bilinear`.
        embedding_dims: values of d.
        ranks: values of K; empty for models that have none.
    """

    model: str
    embedding_dims: tuple[int, ...]
    ranks: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
    """What an experiment trains and evaluates.

    Attributes:
        datasets: by the names they have in tables.
        grid: models and their sizes.
        seeds: of each run.
        split: that is evaluated.
        train: flags of `tagkeras.train` that hold for all runs.
        evaluate: flags of `tagkeras.evaluate`.
    """

    datasets: Mapping[str, DatasetSpec]
    grid: tuple[GridRow, ...]
    seeds: tuple[int, ...]
    split: str
    train: Mapping[str, str]
    evaluate: Mapping[str, str]


def read_spec(path: Path, datasets: Mapping[str, str] | None = None) -> Spec:
    """Reads a specification.

    Args:
        path: of the YAML file; paths in it are relative to its folder.
        datasets: folders that take the place of those in the file, by the names of the datasets.

    Raises:
        UserError: something in it does not fit; names the line.
    """
    document = YamlDocument(path)
    top = Section(document, (), document.value, keys=_KEYS, required=("datasets", "grid", "seeds"))
    split = top.text("split", SPLITS) if "split" in top.values else "test"
    section = top.section("datasets")
    section.check_names()
    if not section.values:
        raise section.document.error(("datasets",), "at least one dataset is needed")
    folders = dict(datasets or {})
    if unknown := sorted(set(folders) - set(section.values)):
        raise UserError(
            f"--datasets={unknown[0]}=...: {path} has no such dataset, but"
            f" {', '.join(section.values)}"
        )
    rows = [
        _read_row(Section(document, ("grid", index), row, keys=_GRID_KEYS, required=_GRID_KEYS[:2]))
        for index, row in enumerate(top.items("grid"))
    ]
    found = {
        name: _read_dataset(section, name, split, folders.get(name)) for name in section.values
    }
    flags = read_flags(
        top.section("evaluate"), "tagkeras.evaluate", EvaluateConfig, _SET_BY_EVALUATE
    )
    for name, dataset in found.items():
        _check_evaluation(flags, dataset, f"{path}: evaluate, on {name}")
    return Spec(
        datasets=found,
        grid=tuple(rows),
        seeds=top.numbers("seeds", minimum=0),
        split=split,
        train=read_flags(top.section("train"), "tagkeras.train", config.Config, _SET_BY_TRAIN),
        evaluate=flags,
    )


def _check_evaluation(flags: Mapping[str, str], dataset: DatasetSpec, place: str) -> None:
    """Makes sure that a dataset can be evaluated so: after the trainings it would be too late."""
    argv = [f"--{name}={value}" for name, value in flags.items()]
    argv += [f"--data={dataset.path}", "--workdir=", "--output="]
    vocabulary = Vocabulary.load(Path(dataset.path) / "vocabulary.tsv")
    try:
        evaluate.check_options(commandline.parse(EvaluateConfig, argv), vocabulary)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _read_row(row: Section) -> GridRow:
    model = row.text("model", MODELS)
    ranks: tuple[int, ...] = ()
    if model == MULTIPLICATIVE:
        if "rank" not in row.values:
            raise row.document.error(row.place, f"'rank' is missing: {model} has one")
        ranks = row.numbers("rank", minimum=1)
    elif "rank" in row.values:
        raise row.error("rank", f"{model} has none: leave it out")
    dims = row.numbers("embedding_dim", minimum=1)
    return GridRow(model=model, embedding_dims=dims, ranks=ranks)


def _read_dataset(parent: Section, name: str, split: str, folder: str | None) -> DatasetSpec:
    keys = tuple(field.name for field in dataclasses.fields(DatasetSpec))
    section = parent.section(name, keys=keys, required=("path",))
    paths: dict[str, Any] = {}
    for key in section.values:
        text = section.text(key)
        path = section.document.path.parent / text
        if key == "path" and folder is not None:
            path = Path(folder)
        elif key == "posts" and any(mark in text for mark in "*?["):
            path = path.absolute()  # a pattern, for the report to look up
        elif not path.exists():
            raise section.error(key, f"{path} is not there")
        paths[key] = str(path.absolute())
    try:
        manifest = Manifest.load(paths["path"])
    except UserError as error:
        raise section.error("path", str(error)) from error
    if not manifest.splits.get(split, {}).get("posts"):
        raise section.error("path", f"{paths['path']} has no posts in its {split} split")
    return DatasetSpec(**paths)
