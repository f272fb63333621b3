"""The evaluation of a workdir, made anew only where the one at hand is of something else."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import normalize
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.evaluate import evaluate
from tagkeras.evaluate.config import Config
from tagkeras.evaluate.evaluate import identity_of
from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How runs are evaluated.

    Attributes:
        split: posts to rank.
        oracle: Parquet file of the posts' most probable hashtags, or None.
        tags: that must have precision-recall curves.
    """

    split: str
    oracle: str | None = None
    tags: Sequence[str] = ()


def dataset_of(workdir: Workdir, data: str | None) -> Path:
    """The dataset to evaluate a run on.

    Args:
        workdir: of the run.
        data: folder that was asked for; None for the one that the run was trained on.

    Raises:
        UserError: that one is gone, or the workdir is none.
    """
    dataset = Path(str(workdir.config()["data"]) if data is None else data).resolve()
    if data is None and not dataset.is_dir():
        raise UserError(
            f"{workdir.path} was trained on {dataset}, which is not there: give --data=DATASET"
        )
    return dataset


def evaluate_run(
    workdir: Workdir, dataset: Path, output: Path, options: EvaluationOptions
) -> Evaluation:
    """Evaluates a run, or takes the evaluation in `output` if it is the same.

    Args:
        workdir: of the run.
        dataset: to evaluate on.
        output: folder of the evaluation.
        options: of the evaluation.

    Raises:
        UserError: no checkpoint, another dataset, an empty split, or an unknown tag.
    """
    workdir.best_epoch()
    if options.oracle and not Path(options.oracle).is_file():
        raise UserError(f"--oracle={options.oracle}: no such file")
    if (found := _load(output)) and _is_same(found, workdir, dataset, options):
        return found
    evaluate.evaluate(
        Config(
            workdir=str(workdir.path.resolve()),
            data=str(dataset),
            output=str(output),
            split=options.split,
            oracle=options.oracle,
            tags=tuple(options.tags),
        )
    )
    return Evaluation.load(output)


def tags_with_curve(evaluation: Evaluation) -> frozenset[str]:
    """The tags with a precision-recall curve, and those that no post has: they can have none."""
    names = ("tag", "truth", "average_precision")
    columns = [evaluation.tags.column(name).to_pylist() for name in names]
    return frozenset(
        tag
        for tag, truth, average in zip(*columns, strict=True)
        if average is not None or not truth
    )


def _load(output: Path) -> Evaluation | None:
    """The evaluation in a folder of ours; None if there is none, or a damaged one."""
    try:
        found = Evaluation.load(output)
        _ = found.posts, found.tags, found.predictions
    except UserError:
        return None
    return found


def _is_same(
    found: Evaluation, workdir: Workdir, dataset: Path, options: EvaluationOptions
) -> bool:
    metrics = found.metrics
    with_curve = tags_with_curve(found)
    return (
        metrics["workdir"] == str(workdir.path.resolve())
        and metrics["split"] == options.split
        and metrics["dataset"]["fingerprint"] == fingerprint(dataset, Manifest.load(dataset))
        and metrics.get("identity") == identity_of(workdir, options.oracle)
        and with_curve.issuperset(map(normalize, options.tags))
    )
