"""The specification of an experiment, a YAML file checked by pydantic, and the runs it asks for."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pydantic
import yaml
from absl import flags

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.config import Config as EvaluateConfig
from tagkeras.evaluate.evaluate import parse_options
from tagkeras.evaluate.evaluation import METRICS
from tagkeras.train.config import Config as TrainConfig

# Flags that the experiment sets itself.
_TRAIN = ("data", "workdir", "model", "embedding_dim", "rank", "seed", "strategy")
_EVALUATE = ("data", "workdir", "output", "split", "oracle")


class Configuration(NamedTuple):
    """A row of the paper's table: a model with d and K (0 if it has none), or a baseline (0, 0)."""

    model: str
    embedding_dim: int = 0
    rank: int = 0

    @property
    def name(self) -> str:
        """Such as `multiplicative-d64-k100`."""
        rank = f"-k{self.rank}" if self.rank else ""
        return f"{self.model}-d{self.embedding_dim}{rank}"


class Run(NamedTuple):
    """One training and its evaluation."""

    dataset: str
    configuration: Configuration
    seed: int

    @property
    def name(self) -> str:
        """Such as `multiplicative-d64-k100-seed0`; unique among the runs on a dataset."""
        return f"{self.configuration.name}-seed{self.seed}"

    @property
    def path(self) -> str:
        """Dataset and name, such as `natural/bilinear-d64-seed0`."""
        return f"{self.dataset}/{self.name}"

    @property
    def evaluation(self) -> str:
        """Folder of the evaluation, relative to that of the experiment."""
        return f"evaluations/{self.path}"

    def is_finished(self, folder: Path) -> bool:
        """Whether the run is evaluated: its `metrics.json`, written last, is in the experiment."""
        return (folder / self.evaluation / METRICS).is_file()


def _resolve(path: str, info: pydantic.ValidationInfo) -> str:
    """The absolute path of one that is relative to the specification; it must exist."""
    resolved = ((info.context or {})["folder"] / path).absolute()
    # The report takes a pattern of files for `posts`.
    is_pattern = info.field_name == "posts" and any(mark in path for mark in "*?[")
    if not path or not (is_pattern or resolved.exists()):
        raise ValueError(f"{resolved} does not exist")
    return str(resolved)


def _flag_value(value: Any) -> str:
    """A YAML value as it is written after `--name=`."""
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return ",".join(map(_flag_value, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"give a number, a text or a list of them, not {value!r}")


def _parse_flags(config_class: type[Any], values: Mapping[str, str]) -> Any:
    """The options of a command; required ones that are not given are empty."""
    fields = dataclasses.fields(config_class)
    required = {field.name: "" for field in fields if field.default is dataclasses.MISSING}
    argv = [f"--{name}={value}" for name, value in {**required, **values}.items()]
    return commandline.parse(config_class, argv)


_File = Annotated[str, pydantic.AfterValidator(_resolve)]
_Flags = dict[str, Annotated[str, pydantic.BeforeValidator(_flag_value)]]
_Name = Annotated[str, pydantic.Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")]
_NotEmpty = pydantic.Field(min_length=1)
_Sizes = Annotated[list[pydantic.PositiveInt], _NotEmpty]


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class DatasetSpec(_Section):
    """A dataset and the files that belong to it, as absolute paths; docs/experiments.md."""

    path: _File
    oracle: _File | None = None
    hashtag_kinds: _File | None = None
    posts: _File | None = None
    image_root: _File | None = None


class GridRow(_Section):
    """A model, and the sizes to train it in: values of d, and of K where it has a rank."""

    model: Literal["bilinear", "user_biased", "multiplicative"]
    embedding_dim: _Sizes
    rank: _Sizes | None = None

    @pydantic.model_validator(mode="after")
    def _check_rank(self) -> "GridRow":
        if (self.model == "multiplicative") != (self.rank is not None):
            raise ValueError("give 'rank' to the multiplicative model, and to no other")
        return self


class Spec(_Section):
    """What an experiment trains and evaluates, key by key as in docs/experiments.md."""

    datasets: Annotated[dict[_Name, DatasetSpec], _NotEmpty]
    grid: Annotated[list[GridRow], _NotEmpty]
    seeds: Annotated[list[pydantic.NonNegativeInt], _NotEmpty]
    split: Literal["train", "validation", "test"] = "test"
    train: _Flags = {}
    evaluate: _Flags = {}

    @pydantic.field_validator("train", "evaluate")
    @classmethod
    def _check_flags(cls, values: dict[str, str], info: pydantic.ValidationInfo) -> dict[str, str]:
        """Checks flags as the command itself would."""
        is_train = info.field_name == "train"
        if given := [name for name in (_TRAIN if is_train else _EVALUATE) if name in values]:
            raise ValueError(f"the experiment sets --{given[0]} itself: leave it out")
        try:
            _parse_flags(TrainConfig if is_train else EvaluateConfig, values)
        except flags.Error as error:
            raise ValueError(" ".join(str(error).split())) from error
        return values

    @pydantic.model_validator(mode="after")
    def _check_runs(self) -> "Spec":
        run, times = Counter(self.runs).most_common(1)[0]
        if times > 1:
            raise ValueError(f"grid and seeds give {run.name} twice: take it out once")
        return self

    @property
    def runs(self) -> list[Run]:
        """All runs, seed by seed, so that all models are there early from the first seed."""
        return [
            Run(dataset, Configuration(row.model, dim, rank), seed)
            for seed in self.seeds
            for dataset in self.datasets
            for row in self.grid
            for dim in row.embedding_dim
            for rank in row.rank or (0,)
        ]


def read_spec(path: Path, datasets: Sequence[str] = ()) -> Spec:
    """Reads and checks a specification, a YAML file, and the datasets it names.

    Paths in it are relative to its folder. `datasets` are NAME=FOLDER, in place of those in it.

    Raises:
        UserError: the file cannot be read, or something in it is wrong; names the key.
    """
    try:
        content = yaml.load(path.read_bytes(), _Loader)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    named = content.get("datasets") if isinstance(content, dict) else None
    for text in datasets:
        name, _, folder = text.partition("=")
        if not folder or not isinstance(named, dict) or not isinstance(named.get(name), dict):
            raise UserError(f"--datasets={text}: give NAME=FOLDER, by a name in {path}")
        named[name]["path"] = str(Path(folder).absolute())
    try:
        spec = Spec.model_validate(content, context={"folder": path.parent})
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {'; '.join(map(_describe, error.errors()))}") from error
    for name, dataset in spec.datasets.items():
        try:
            # What would otherwise fail only once models are trained.
            if not Manifest.load(dataset.path).splits.get(spec.split, {}).get("posts"):
                raise UserError(f"{dataset.path} has no posts in its {spec.split} split")
            vocabulary = Vocabulary.load(Path(dataset.path) / "vocabulary.tsv")
            parse_options(_parse_flags(EvaluateConfig, spec.evaluate), vocabulary)
        except UserError as error:
            raise UserError(f"{path}: datasets.{name}: {error}") from error
    return spec


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML's own loader keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"{key.value} is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _describe(error: Any) -> str:
    """One of pydantic's errors, such as `grid[0].embedding_dim[1]: ..., not -3`."""
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] not in ("value_error", "missing"):
        message += f", not {error['input']!r}"
    return f"{place.lstrip('.') or 'the file'}: {message}"
