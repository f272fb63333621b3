"""Evaluations by hand: folders as tagkeras.evaluate writes them, as far as they are read."""

import json

import numpy as np

from tagkeras.data.facts import FACTS
from tagkeras.evaluate.evaluation import EvaluatedPosts, Evaluation

FINGERPRINT = "0123456789abcdef"


def make_posts(hits, /, num_truth=None, users=None, **facts):
    """Posts of given hits of the model, by people who say nothing unless told otherwise."""
    hits = np.asarray(hits, bool)
    number = len(hits)
    users = np.arange(number) if users is None else users
    rankings = {"model": hits, **facts.pop("hits", {})}
    unknown = {fact.name: [fact.unknown] * number for fact in FACTS}
    return EvaluatedPosts(
        post_ids=[f"post{row}" for row in range(number)],
        user_ids=[user if isinstance(user, str) else f"user{user:06d}" for user in users],
        facts={
            name: np.array(values, object if isinstance(values[0], str) else np.float32)
            for name, values in {**unknown, **facts}.items()
        },
        num_truth=np.full(number, hits.shape[1]) if num_truth is None else num_truth,
        hits={name: np.asarray(values, bool) for name, values in rankings.items()},
    )


def write_evaluation(folder, posts, **metrics):
    """The folder of posts, with these values in its metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    k = posts.hits["model"].shape[1]
    content = {
        "dataset": {"path": "data", "fingerprint": FINGERPRINT, "distribution": "natural"},
        "ks": [k],
        "num_posts": len(posts),
        "split": "test",
        "workdir": "run",
        "intervals": {},
        "groups": {},
        **metrics,
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    posts.save(folder / "posts.parquet")
    return Evaluation.load(folder)
