"""The workdir of a training run: what it was started with, and where it keeps what it made."""

import contextlib
import dataclasses
import json
import operator
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.config import FREE, OLDER, Config

STEP = "step-"
# What a workdir has of the dataset's own.
_DATASET_FILES = ("dataset.json", "vocabulary.tsv")
# How `tagkeras.cli.files` names what is being written or replaced.
_ASIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<suffix>tmp|old)")


class Workdir:
    """Paths and small files of one training run, in a folder that may not exist yet.

    It holds `config.json`, copies of the dataset's `dataset.json` and `vocabulary.tsv`,
    `history.csv`, and the folders `checkpoints`, `best` and, where asked for, `tensorboard`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.best = self.path / "best"
        self.history = self.path / "history.csv"
        self.tensorboard = self.path / "tensorboard"
        self._config = self.path / "config.json"

    @property
    def is_started(self) -> bool:
        """Whether a run was started here."""
        return self._config.exists()

    def check_unused(self) -> None:
        """Makes sure that a run may be started here.

        Raises:
            UserError: the folder holds something else.
        """
        names = {path.name for path in self.path.iterdir()} if self.path.is_dir() else set()
        # A start that was killed leaves the dataset's files and files aside (.NAME.tmp).
        others = {name for name in names - set(_DATASET_FILES) if not name.endswith(".tmp")}
        if others or self.path.is_file():
            raise UserError(
                f"{self.path} holds other files and no config.json: choose another --workdir"
            )

    def start(self, config: Mapping[str, Any], dataset: Path) -> None:
        """Starts a run here: copies the dataset's description, then writes the config.

        Raises:
            UserError: the folder holds something else.
        """
        self.check_unused()
        for name in _DATASET_FILES:
            with files.written_aside(self.path / name) as aside:
                shutil.copyfile(dataset / name, aside)
        files.write_text(self._config, json.dumps(config, indent=2) + "\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder, keeps other runs out of it, and removes what killed runs left there.

        Raises:
            UserError: another run is active there, or the folder cannot be written to.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path, os.W_OK):
            raise UserError(f"{self.path} cannot be written to: change its permissions")
        remedy = "wait for it to end, or choose another --workdir"
        with files.locked(self.path, busy=f"another run is active in {self.path}: {remedy}"):
            for folder in (self.path, self.checkpoints, self.tensorboard):
                _clean_up(folder)
            yield

    def check_resumable(self, command: Config, dataset: Path) -> None:
        """Makes sure that a command may resume, on its dataset, the run that was started here.

        Raises:
            UserError: another config or another dataset, naming what differs; or the folder was
                made by `tagkeras.add_tags`.
        """
        if self.added_tags():
            raise UserError(
                f"{self.path} was made by tagkeras.add_tags and has no checkpoints to resume from:"
                f" train in another --workdir with --warm_start={self.path}"
            )
        config = dataclasses.asdict(command)
        defaults = {field.name: field.default for field in dataclasses.fields(command)}
        started = {**defaults, **OLDER, **self.config()}
        # A run that has a checkpoint does not look at the earlier one any more.
        free = FREE | ({"warm_start"} if self.newest_checkpoint() else set())
        differing = [
            f"--{name}={_show(started.get(name))} (now {_show(config.get(name))})"
            for name in sorted({*started, *config} - free)
            if started.get(name) != config.get(name)
        ]
        if differing:
            raise UserError(
                f"{self.path} was started with {', '.join(differing)}:"
                " give the same flags or another --workdir"
            )
        self.check_dataset(dataset)
        run, other = self.manifest(), Manifest.load(dataset)
        if (run.splits, run.seeds) != (other.splits, other.seeds):
            raise UserError(
                f"{dataset} has other posts than {self.path} was started on: give the dataset of"
                " that run, or train in another --workdir (--warm_start starts from its weights)"
            )

    def newest_checkpoint(self) -> Path | None:
        """The folder of the newest checkpoint, damaged or not; None before the first."""
        return next(reversed(list_checkpoints(self.checkpoints).values()), None)

    def check_dataset(self, dataset: Path) -> None:
        """Makes sure that a dataset has the vocabulary and the descriptors of this run.

        Tags that `tagkeras.add_tags` added, at the end, may be missing in the dataset.

        Raises:
            UserError: it has others.
        """
        ours, theirs = self.vocabulary().tags, Vocabulary.load(dataset / "vocabulary.tsv").tags
        fewest = self.added_tags().get("num_tags_trained", len(ours))
        if not fewest <= len(theirs) or theirs != ours[: len(theirs)]:
            raise UserError(
                f"{dataset} has another vocabulary than {self.path} was trained on:"
                " give the dataset of that run"
            )
        described_by = operator.attrgetter("descriptor_size", "user_descriptor", "cnn")
        if described_by(self.manifest()) != described_by(Manifest.load(dataset)):
            raise UserError(
                f"{dataset} has other image or user descriptors than {self.path} was trained on:"
                " give the dataset of that run"
            )

    def config(self) -> dict[str, Any]:
        """What the run was started with.

        Raises:
            UserError: no run was started here, or the file is damaged.
        """
        if not self.is_started:
            raise UserError(f"{self.path} is no workdir of tagkeras.train: it has no config.json")
        return _read_json(self._config)

    def best_epoch(self) -> dict[str, Any]:
        """The number and the metrics of the epoch in `best`.

        Raises:
            UserError: no epoch was finished yet, or the file is damaged.
        """
        path = self.best / "epoch.json"
        if not path.exists():
            raise UserError(f"{self.path} has no checkpoint yet: run tagkeras.train to its end")
        best = _read_json(path)
        if not isinstance(best.get("epoch"), int):
            raise _damaged(path, "no epoch number")
        return best

    def added_tags(self) -> dict[str, Any]:
        """What `tagkeras.add_tags` recorded: `num_tags_trained`, and what it `added` each time.

        Empty for a run of `tagkeras.train`.

        Raises:
            UserError: the file is damaged.
        """
        path = self.path / "added_tags.json"
        return _read_json(path) if path.exists() else {}

    def manifest(self) -> Manifest:
        """Of the dataset that the run was started on."""
        return Manifest.load(self.path)

    def vocabulary(self) -> Vocabulary:
        """Of the dataset that the run was started on."""
        return Vocabulary.load(self.path / "vocabulary.tsv")


def list_checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints `step-N` in a folder by their N, in order; damaged ones too."""
    paths = {path.name.removeprefix(STEP): path for path in folder.glob(f"{STEP}*")}
    return {int(number): paths[number] for number in sorted(filter(str.isdecimal, paths), key=int)}


def _clean_up(folder: Path) -> None:
    """Removes what was being written; puts back what was being replaced."""
    for path in list(folder.glob(".*")):
        if aside := _ASIDE.fullmatch(path.name):
            target = folder / aside["name"]
            if aside["suffix"] == "old" and not target.exists():
                path.rename(target)
            else:
                files.remove(path)


def _show(value: Any) -> Any:
    return "(left out)" if value is None else value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # neither JSON nor UTF-8
        raise _damaged(path, str(error)) from error
    if not isinstance(content, dict):
        raise _damaged(path, "not a JSON object")
    return content


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(
        f"{path} is damaged ({reason}): restore a copy, or train again in another --workdir"
    )
