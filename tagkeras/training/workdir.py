"""The workdir of a training run: what it was started with, and where it keeps what it made."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagkeras import files
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.errors import UserError


class Workdir:
    """Paths and small files of one training run.

    `config.json`, copies of the dataset's `dataset.json` and `vocabulary.tsv`, `history.csv`, and
    the folders `checkpoints` and `best`.

    Args:
        path: of the folder; it may not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.best = self.path / "best"
        self.history = self.path / "history.csv"
        self._config = self.path / "config.json"

    @property
    def is_started(self) -> bool:
        """Whether a run was started here."""
        return self._config.exists()

    def start(self, config: Mapping[str, Any], dataset: Path) -> None:
        """Starts a run here: copies the dataset's description, then writes the config.

        Raises:
            UserError: the folder holds something else.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            left_over = {"dataset.json", "vocabulary.tsv"}
            names = [p.name for p in self.path.iterdir()] if self.path.is_dir() else [""]
            # Files aside (.NAME.tmp) are of a start that was killed.
            if any(n not in left_over and not n.endswith(".tmp") for n in names):
                raise UserError(
                    f"{self.path} holds other files and no config.json: choose another --workdir"
                )
        for name in ("dataset.json", "vocabulary.tsv"):
            with files.written_aside(self.path / name) as aside:
                shutil.copyfile(dataset / name, aside)
        files.write_text(self._config, json.dumps(config, indent=2) + "\n")

    def check(self, config: Mapping[str, Any], dataset: Path, free: frozenset[str]) -> None:
        """Makes sure that a run started here may go on.

        Args:
            config: of the command that wants to go on.
            dataset: its dataset.
            free: names in `config` that may differ.

        Raises:
            UserError: another config or another dataset; names what differs.
        """
        started = self.config()
        differing = [
            f"--{name}={started.get(name)} (now {config.get(name)})"
            for name in sorted({*started, *config} - free)
            if started.get(name) != config.get(name)
        ]
        if differing:
            raise UserError(
                f"{self.path} was started with {', '.join(differing)}:"
                " give the same flags or another --workdir"
            )
        self.check_dataset(dataset)

    def check_dataset(self, dataset: Path) -> None:
        """Makes sure that a dataset has the vocabulary and the descriptors of this run.

        Raises:
            UserError: it has others.
        """
        if self.vocabulary().tags != Vocabulary.load(dataset / "vocabulary.tsv").tags:
            raise UserError(
                f"{dataset} has another vocabulary than {self.path} was trained on:"
                " give the dataset of that run"
            )
        ours, theirs = self.manifest(), Manifest.load(dataset)
        if (ours.descriptor_size, ours.user_descriptor, ours.cnn) != (
            theirs.descriptor_size,
            theirs.user_descriptor,
            theirs.cnn,
        ):
            raise UserError(
                f"{dataset} has other image or user descriptors than {self.path} was trained on:"
                " give the dataset of that run"
            )

    def config(self) -> dict[str, Any]:
        """What the run was started with.

        Raises:
            UserError: no run was started here.
        """
        if not self.is_started:
            raise UserError(f"{self.path} is no workdir of tagkeras.train: it has no config.json")
        return json.loads(self._config.read_text(encoding="utf-8"))

    def best_epoch(self) -> dict[str, Any]:
        """The number and the metrics of the epoch in `best`.

        Raises:
            UserError: no epoch was finished yet.
        """
        path = self.best / "epoch.json"
        if not path.exists():
            raise UserError(f"{self.path} has no checkpoint yet: run tagkeras.train to its end")
        return json.loads(path.read_text(encoding="utf-8"))

    def manifest(self) -> Manifest:
        """Of the dataset that the run was started on."""
        return Manifest.load(self.path)

    def vocabulary(self) -> Vocabulary:
        """Of the dataset that the run was started on."""
        return Vocabulary.load(self.path / "vocabulary.tsv")
