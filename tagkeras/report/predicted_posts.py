"""What a run predicted for single posts."""

import dataclasses
from collections.abc import Sequence

from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.runs import Run


@dataclasses.dataclass(frozen=True)
class Prediction:
    """One predicted hashtag.

    Attributes:
        hashtag: without #.
        is_hit: whether the post has it; None where that many predictions were not checked.
    """

    hashtag: str
    is_hit: bool | None


def predictions_of(run: Run, post_ids: Sequence[str]) -> dict[str, list[Prediction]]:
    """The predictions of a run, best first, for the posts among `post_ids` that it was given."""
    evaluation = run.evaluation
    hits = evaluation.posts.hits[MODEL]
    place_of = {post_id: row for row, post_id in enumerate(evaluation.posts.post_ids)}
    hashtags = evaluation.predictions.column("hashtags")
    found = {}
    for post_id in post_ids:
        row = place_of.get(post_id)
        if row is None:
            continue
        is_hit = hits[row].tolist()
        found[post_id] = [
            Prediction(hashtag, is_hit[place] if place < len(is_hit) else None)
            for place, hashtag in enumerate(hashtags[row].as_py())
        ]
    return found
