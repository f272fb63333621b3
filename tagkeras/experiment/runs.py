"""A run of an experiment: one model in one size, on one dataset, from one seed."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Configuration:
    """A model in one size: a row of the paper's table, which averages over seeds.

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
        """Such as `multiplicative-d64-k100-seed0`; unique among the runs on a dataset."""
        return f"{self.configuration.name}-seed{self.seed}"

    @property
    def path(self) -> str:
        """Dataset and name, such as `natural/bilinear-d64-seed0`."""
        return f"{self.dataset}/{self.name}"

    @property
    def workdir(self) -> str:
        """Folder of the training, relative to that of the experiment."""
        return f"runs/{self.path}"

    @property
    def evaluation(self) -> str:
        """Folder of the evaluation, relative to that of the experiment."""
        return f"evaluations/{self.path}"

    @property
    def log(self) -> str:
        """File with the output of both commands, relative to the experiment's folder."""
        return f"logs/{self.path}.log"

    def to_json(self) -> dict[str, Any]:
        """The run's entry in `experiment.json`."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            **dataclasses.asdict(self.configuration),
            "rank": self.configuration.rank or None,
            "seed": self.seed,
            "workdir": self.workdir,
            "evaluation": self.evaluation,
        }
