"""The runs of an experiment: each model and size, on each dataset, from each seed."""

import dataclasses
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.experiment.spec import Spec


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Configuration:
    """A model in one size: what the seeds of a row of a table have in common.

    Attributes:
        model: such as `bilinear`.
        embedding_dim: d.
        rank: K; 0 for models that have none.
    """

    model: str
    embedding_dim: int
    rank: int = 0

    @property
    def name(self) -> str:
        """Such as `multiplicative-d64-k100`."""
        rank = f"-k{self.rank}" if self.rank else ""
        return f"{self.model}-d{self.embedding_dim}{rank}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One training and its evaluation.

    Attributes:
        dataset: name of the dataset in the specification.
        configuration: model and size.
        seed: of the training.
    """

    dataset: str
    configuration: Configuration
    seed: int

    @property
    def name(self) -> str:
        """Such as `multiplicative-d64-k100-seed0`; of one run of a dataset."""
        return f"{self.configuration.name}-seed{self.seed}"

    @property
    def path(self) -> str:
        """Dataset and name, such as `natural/bilinear-d64-seed0`."""
        return f"{self.dataset}/{self.name}"

    @property
    def workdir(self) -> str:
        """Of the training, relative to the folder of the experiment."""
        return f"runs/{self.path}"

    @property
    def evaluation(self) -> str:
        """Folder of the evaluation, relative to the folder of the experiment."""
        return f"evaluations/{self.path}"

    @property
    def log(self) -> str:
        """What both commands print, relative to the folder of the experiment."""
        return f"logs/{self.path}.log"

    def to_json(self) -> dict[str, Any]:
        """As `experiment.json` lists it."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            **dataclasses.asdict(self.configuration),
            "rank": self.configuration.rank or None,
            "seed": self.seed,
            "workdir": self.workdir,
            "evaluation": self.evaluation,
        }


def list_runs(spec: Spec) -> list[Run]:
    """The runs, those of a seed and a dataset one after the other: a seed is whole early.

    Raises:
        UserError: the grid names a model in the same size twice.
    """
    configurations = [
        Configuration(model=row.model, embedding_dim=dim, rank=rank)
        for row in spec.grid
        for dim in row.embedding_dims
        for rank in row.ranks or (0,)
    ]
    for index, configuration in enumerate(configurations):
        if configuration in configurations[:index]:
            raise UserError(f"the grid has {configuration.name} twice: take it out once")
    return [
        Run(dataset=dataset, configuration=configuration, seed=seed)
        for seed in spec.seeds
        for dataset in spec.datasets
        for configuration in configurations
    ]
