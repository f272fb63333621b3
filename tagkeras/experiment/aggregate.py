"""From the evaluations of all runs to means over seeds, with resamples of users and seeds.

All statistics of an experiment are of the same resamples: of users, who are drawn with all their
posts, those of all datasets together, so that users whom two datasets share are drawn in both or in
neither; and of seeds, drawn for each model and size by itself (`tagkeras.experiment.resampled`).
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.bootstrap import SAMPLES
from tagkeras.evaluate.evaluation import MODEL, POSTS, EvaluatedPosts, Evaluation
from tagkeras.experiment.dataset_results import DatasetResults, Metrics
from tagkeras.experiment.resampled import Resampled, over_seeds
from tagkeras.experiment.resampled_run import resampled_metrics
from tagkeras.experiment.runs import Configuration, Run
from tagkeras.experiment.tag_recalls import TagRecallCounter


def aggregate(
    folder: Path,
    runs: Sequence[Run],
    kinds: Mapping[str, Mapping[str, str]],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> list[DatasetResults]:
    """Reads the evaluations of runs.

    Args:
        folder: of the experiment.
        runs: of the experiment, all evaluated.
        kinds: what hashtags depend on, for each dataset where that is known.
        samples: resamples.
        seed: of the draws.

    Returns:
        The results on each dataset, in the order in which runs name them.

    Raises:
        UserError: an evaluation is missing, damaged, or not of the posts that the others are of.
    """
    names = list(dict.fromkeys(run.dataset for run in runs))
    evaluations = {
        name: {run: Evaluation.load(folder / run.evaluation) for run in runs if run.dataset == name}
        for name in names
    }
    everyone: set[str] = set()
    for of_dataset in evaluations.values():
        check_same_posts(list(of_dataset.values()))
        first = next(iter(of_dataset.values()))
        everyone.update(EvaluatedPosts.load(first.path / POSTS).user_ids)
    number_of = {user: number for number, user in enumerate(sorted(everyone))}

    with progress("resampling users and seeds", len(runs), "runs") as advance:

        def read(evaluation: Evaluation, ranking: str) -> dict[str, Resampled]:
            return resampled_metrics(evaluation, ranking, number_of, samples=samples, seed=seed)

        return [
            _aggregate_dataset(name, evaluations[name], kinds.get(name), read, seed, advance)
            for name in names
        ]


def check_same_posts(evaluations: Sequence[Evaluation]) -> None:
    """Makes sure that evaluations are of the same posts and have the same metrics.

    Raises:
        UserError: one differs.
    """
    first = evaluations[0]
    for other in evaluations[1:]:
        same = first.metrics["dataset"]["fingerprint"] == other.metrics["dataset"]["fingerprint"]
        if not same or any(
            first.metrics[what] != other.metrics[what] for what in ("num_posts", "split", "ks")
        ):
            raise UserError(
                f"{other.path} is of other posts or metrics than {first.path}:"
                " remove both folders and give the same command again"
            )


def _aggregate_dataset(
    name: str,
    evaluations: Mapping[Run, Evaluation],
    kinds: Mapping[str, str] | None,
    read: Callable[[Evaluation, str], dict[str, Resampled]],
    seed: int,
    advance: Callable[[int], None],
) -> DatasetResults:
    first = next(iter(evaluations.values()))
    num_users = len(set(first.posts.user_ids))
    ks = tuple(first.metrics["ks"])
    recalls = TagRecallCounter(ks[-1])
    of_runs: dict[Configuration, list[dict[str, Resampled]]] = {}
    baselines: dict[str, Metrics] = {}
    for run, evaluation in evaluations.items():
        # Read anew, and forgotten after this turn: the posts of all runs may not fit in memory.
        loaded = Evaluation(evaluation.path, evaluation.metrics)
        of_runs.setdefault(run.configuration, []).append(read(loaded, MODEL))
        for ranking in loaded.posts.hits:
            if ranking != MODEL and ranking not in baselines:
                baselines[ranking] = read(loaded, ranking)
        recalls.add(run.configuration, loaded)
        advance(1)
    return DatasetResults(
        name=name,
        distribution=first.metrics["dataset"]["distribution"],
        num_posts=first.metrics["num_posts"],
        num_users=num_users,
        ks=ks,
        seeds=tuple(sorted({run.seed for run in evaluations})),
        models={
            configuration: _over_seeds(found, f"{name}/{configuration.name}", seed)
            for configuration, found in of_runs.items()
        },
        baselines=baselines,
        tag_recalls=recalls.result(),
        hashtag_kinds=kinds,
    )


def _over_seeds(of_seeds: Sequence[Mapping[str, Resampled]], name: str, seed: int) -> Metrics:
    """The metrics of the runs of one model and size; all of them with the same seeds drawn."""
    return {
        metric: over_seeds(
            np.array([found[metric].value for found in of_seeds]),
            np.stack([found[metric].samples for found in of_seeds]),
            np.random.default_rng([seed, zlib.crc32(name.encode())]),
        )
        for metric in of_seeds[0]
    }
