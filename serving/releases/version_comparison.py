"""How two versions of a model differ on the same posts: quality, agreement, failures, latency."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from tagkeras.evaluate.post_scores import post_scores

from serving.load_test.latencies import Latencies
from serving.releases.ask_versions import Answer
from serving.releases.labelled_posts import LabelledPost
from tagkeras.evaluate.comparison import Difference, differences

_SAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class AskedVersion:
    """What one version did with the posts.

    Attributes:
        name: as it was asked for, such as `canary`.
        version: its number; None if it answered nothing.
        answered: how many posts.
        failures: how many requests failed, by status.
        details: what the server said first, by status.
        latency_ms: of the requests that were answered; None if none was.
    """

    name: str
    version: int | None
    answered: int
    failures: Mapping[str, int]
    details: Mapping[str, str]
    latency_ms: Latencies | None


@dataclasses.dataclass(frozen=True)
class VersionComparison:
    """The second version beside the first.

    Attributes:
        posts: how many were asked about.
        k: hashtags of an answer that count.
        first: the version to compare with.
        second: the version compared.
        compared: posts that both answered; metrics, same_top and overlap are of these.
        metrics: by name P@1, R@k and A@k, with the 95% interval of the difference by bootstrap
            over users; none without a post that both answered.
        same_top: the share of posts whose first hashtag is the same; None as before.
        overlap: the mean share of the hashtags that both give; None as before.
        newly_failing: posts that the first answered and the second did not.
        new_failure: the status of the first of these posts and what the server said; "" if none.
    """

    posts: int
    k: int
    first: AskedVersion
    second: AskedVersion
    compared: int
    metrics: Mapping[str, Difference]
    same_top: float | None
    overlap: float | None
    newly_failing: int
    new_failure: str

    @property
    def slowdown(self) -> float | None:
        """The 95th percentile of the second's latencies by that of the first's."""
        if self.first.latency_ms is None or self.second.latency_ms is None:
            return None
        return self.second.latency_ms.p95 / self.first.latency_ms.p95


def compare_answers(
    posts: Sequence[LabelledPost],
    names: tuple[str, str],
    versions: tuple[int | None, int | None],
    answers: tuple[Sequence[Answer], Sequence[Answer]],
    k: int,
) -> VersionComparison:
    """Compares the answers of two versions.

    Args:
        posts: that were asked about.
        names: of the versions, for people.
        versions: their numbers, if known.
        answers: of each version to each post.
        k: hashtags of an answer that count; an answer of fewer has misses in the places it lacks.
    """
    pairs = list(zip(posts, *answers, strict=True))
    both = [(post, a, b) for post, a, b in pairs if not (a.failure or b.failure)]
    first, second = (
        _asked(name, version, of_version)
        for name, version, of_version in zip(names, versions, answers, strict=True)
    )
    new = [b for _, a, b in pairs if b.failure and not a.failure]
    tops = [(a.hashtags[:k], b.hashtags[:k]) for _, a, b in both]
    return VersionComparison(
        posts=len(posts),
        k=k,
        first=first,
        second=second,
        compared=len(both),
        metrics=_metrics([post for post, _, _ in both], tops, k) if both else {},
        same_top=float(np.mean([a[:1] == b[:1] for a, b in tops])) if both else None,
        overlap=float(np.mean([_overlap(a, b) for a, b in tops])) if both else None,
        newly_failing=len(new),
        new_failure=f"{new[0].failure}: {new[0].details}" if new else "",
    )


def _asked(name: str, version: int | None, answers: Sequence[Answer]) -> AskedVersion:
    failed = [answer for answer in answers if answer.failure]
    seconds = [answer.seconds for answer in answers if not answer.failure]
    return AskedVersion(
        name,
        version,
        answered=len(seconds),
        failures=dict(collections.Counter(answer.failure for answer in failed)),
        details={answer.failure: answer.details for answer in reversed(failed)},
        latency_ms=Latencies.of_seconds(np.array(seconds)),
    )


def _metrics(
    posts: Sequence[LabelledPost],
    tops: Sequence[tuple[Sequence[str], Sequence[str]]],
    k: int,
) -> dict[str, Difference]:
    numbers: dict[str, int] = {}
    users = np.array([numbers.setdefault(post.owner, len(numbers)) for post in posts])
    num_truth = np.array([len(post.hashtags) for post in posts])
    scores = []
    for version in range(2):
        hits = np.zeros((len(posts), k), bool)
        for row, (post, top) in enumerate(zip(posts, tops, strict=True)):
            for place, tag in enumerate(top[version]):
                hits[row, place] = tag in post.hashtags
        of_version = post_scores(hits, num_truth, sorted({1, k}))
        scores.append({name: of_version[name] for name in ("P@1", f"R@{k}", f"A@{k}")})
    return differences(users, *scores, samples=_SAMPLES)


def _overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """The share of the longer answer that both have; 1 if both are empty."""
    longest = max(len(first), len(second))
    return len(set(first) & set(second)) / longest if longest else 1.0
