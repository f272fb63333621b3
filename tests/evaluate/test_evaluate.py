"""Every number of tagkeras.evaluate against the oracle, from posts and predictions alone."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from evaluation_helpers import KS, NUM_TAGS, read_posts
from numpy_metrics import (
    age_group,
    average_precision,
    demographic_shares,
    mean_metrics,
    metrics_of_post,
    neighbour_votes,
    ranking,
    tag_row,
    variety,
)
from sklearn.metrics import ndcg_score

from tagkeras.evaluate.bootstrap import resample
from tagkeras.evaluate.groups import age_group_names
from tagkeras.train.model import restore_model

AGES = (18, 25, 65)
RANKINGS = (
    "model",
    "frequency_baseline",
    "demographic_baseline",
    "neighbour_baseline",
    "oracle",
    "oracle_user_only",
)


@pytest.fixture(scope="module")
def scores(evaluated):
    """float [posts, Y]: f(x, u, y) as the formula reads."""
    model = restore_model(evaluated.workdir)
    weights = {w.name: w.numpy() for w in model.embedding.weights}
    rows = []
    for post in evaluated.posts:
        h = np.maximum(weights["W"] @ post.user + weights["b"], 0)
        x = post.descriptor / np.linalg.norm(post.descriptor)
        factors = (weights["alpha"].T @ h) * (weights["gamma"].T @ x)
        offset = weights["S"] @ post.user + weights["c"]
        rows.append(model.tag_table.numpy() @ (weights["beta"] @ factors + offset))
    return np.array(rows)


@pytest.fixture(scope="module")
def predicted(evaluated):
    """The ids of predictions.parquet, best first, by post."""
    ids = {tag: number for number, tag in enumerate(evaluated.tags)}
    lists = evaluated.evaluation.predictions.column("hashtags").to_pylist()
    return [[ids[tag] for tag in row] for row in lists]


@pytest.fixture(scope="module")
def rankings(evaluated, predicted):
    """For each way to rank the lists of ids of all posts, by the oracle."""
    posts, train = evaluated.posts, read_posts(evaluated.dataset, "train")
    tags, descriptors = [p.truth for p in train], [p.descriptor for p in train]
    groups = [(p.country, p.gender, age_group(p.age, AGES)) for p in train]
    of_post = [(p.country, p.gender, age_group(p.age, AGES)) for p in posts]
    best_of_group = {
        group: ranking(demographic_shares(tags, groups, group, NUM_TAGS), max(KS))
        for group in set(of_post)
    }
    ids = {tag: number for number, tag in enumerate(evaluated.tags)}
    oracle = {row["post_id"]: row for row in pq.read_table(evaluated.config.oracle).to_pylist()}

    def ids_of(column):
        return [[ids.get(tag, -1) for tag in oracle[p.post_id][column]] for p in posts]

    return {
        "model": predicted,
        "frequency_baseline": [list(range(max(KS)))] * len(posts),
        "demographic_baseline": [best_of_group[group] for group in of_post],
        "neighbour_baseline": [
            ranking(neighbour_votes(descriptors, tags, p.descriptor, NUM_TAGS), max(KS))
            for p in posts
        ],
        "oracle": ids_of("hashtags"),
        "oracle_user_only": ids_of("user_hashtags"),
    }


def of_ranking(metrics, name):
    return metrics if name == "model" else metrics[name]


def test_the_dataset_has_what_is_to_be_tested(evaluated):
    posts = evaluated.posts
    assert any(post.removed for post in posts)
    assert any(post.num_truth > len(post.truth) for post in posts)
    assert any(not post.truth for post in posts)
    assert any(np.isnan(post.age) for post in posts)
    assert len({post.user_id for post in posts}) < len(posts)


def test_facts(evaluated):
    metrics = evaluated.metrics
    assert metrics["num_posts"] == len(evaluated.posts) == 150
    assert metrics["num_users"] == len({post.user_id for post in evaluated.posts})
    assert (metrics["split"], metrics["ks"], metrics["top_k"]) == ("test", list(KS), 8)
    assert (metrics["model"], metrics["epoch"]) == ("multiplicative", 1)
    assert metrics["dataset"]["distribution"] == "balanced"
    assert metrics["bootstrap"] == {"samples": 100, "level": 0.95, "seed": 0}


def test_predictions_are_the_best_of_the_vocabulary(evaluated, predicted, scores):
    rows = evaluated.evaluation.predictions.to_pylist()
    assert [row["post_id"] for row in rows] == [post.post_id for post in evaluated.posts]
    for row, ids, f in zip(rows, predicted, scores, strict=True):
        assert ids == ranking(f, 8)
        np.testing.assert_allclose(row["scores"], f[ids], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", RANKINGS)
def test_averages(evaluated, rankings, name):
    truth = [post.truth for post in evaluated.posts]
    num_truth = [post.num_truth for post in evaluated.posts]
    expected = mean_metrics(rankings[name], truth, num_truth, KS)
    known = [[tag for tag in row[: max(KS)] if tag >= 0] for row in rankings[name]]
    expected["coverage@6"], expected["entropy@6"] = variety(known, NUM_TAGS, 6)
    found = of_ranking(evaluated.metrics, name)
    assert {key for key in found if "@" in key} == set(expected)
    for metric, value in expected.items():
        assert found[metric] == pytest.approx(value, rel=1e-5), metric


def test_rankings_are_told_apart(evaluated):
    """Else a test of one could pass for another."""
    values = [of_ranking(evaluated.metrics, name)["nDCG@6"] for name in RANKINGS]
    assert len({round(value, 4) for value in values}) == len(RANKINGS)
    # Of the truth, all but what the vocabulary does not have is found at once.
    assert evaluated.metrics["oracle"]["A@1"] == pytest.approx(
        np.mean([bool(post.truth) for post in evaluated.posts])
    )
    assert evaluated.metrics["oracle_user_only"]["A@1"] == 0


@pytest.mark.parametrize("name", RANKINGS)
def test_intervals(evaluated, rankings, name):
    """By loops over the posts of the users that are drawn."""
    posts = evaluated.posts
    users = np.unique([post.user_id for post in posts], return_inverse=True)[1]
    bounds = evaluated.metrics["intervals"][name]
    assert set(bounds) == {key for key in of_ranking(evaluated.metrics, name) if "@" in key}
    for k in KS:
        scored = [
            metrics_of_post(row, post.truth, post.num_truth, k)
            for row, post in zip(rankings[name], posts, strict=True)
        ]
        for metric in scored[0]:
            values = np.array([post[metric] for post in scored])
            means = []
            for drawn in resample(users.max() + 1, 100, seed=0):
                chosen = np.repeat(values, drawn[users])
                means.append(chosen.mean())
            expected = np.percentile(means, [2.5, 97.5])
            np.testing.assert_allclose(bounds[metric], expected, rtol=1e-4, atol=1e-7)
    for metric in ("coverage@6", "entropy@6"):
        low, high = bounds[metric]
        assert low <= of_ranking(evaluated.metrics, name)[metric] <= high


def test_posts(evaluated, rankings):
    rows = pq.read_table(evaluated.folder / "eval" / "posts.parquet").to_pylist()
    for place, (row, post) in enumerate(zip(rows, evaluated.posts, strict=True)):
        age = None if np.isnan(post.age) else post.age
        facts = (row["post_id"], row["user_id"], row["gender"], row["country"], row["age"])
        assert facts == (post.post_id, post.user_id, post.gender, post.country, age)
        expected = [None if np.isnan(degrees) else degrees for degrees in post.location]
        assert [row["latitude"], row["longitude"]] == expected
        assert row["num_truth"] == post.num_truth
        for name in RANKINGS:
            hits = [tag in post.truth for tag in rankings[name][place][: max(KS)]]
            assert row[name] == hits, name
    assert set(rows[0]) == {
        *("post_id", "user_id", "age", "gender", "country", "latitude", "longitude", "num_truth"),
        *RANKINGS,
    }


def test_tags(evaluated, predicted, scores):
    rows = evaluated.evaluation.tags.to_pylist()
    truth = [post.truth for post in evaluated.posts]
    train = read_posts(evaluated.dataset, "train")
    with_curve = {*range(12), 15, 3, 19}
    for tag, row in enumerate(rows):
        assert (row["id"], row["tag"]) == (tag, evaluated.tags[tag])
        assert row["count"] == sum(tag in post.truth for post in train)
        for k in KS:
            true, guessed, hits, precision, recall = tag_row(tag, predicted, truth, k)
            assert (row["truth"], row[f"predicted@{k}"], row[f"hits@{k}"]) == (true, guessed, hits)
            assert row[f"precision@{k}"] == (precision and pytest.approx(precision))
            assert row[f"recall@{k}"] == (recall and pytest.approx(recall))
        counted = [place for place, p in enumerate(evaluated.posts) if tag not in p.removed]
        expected = average_precision(
            scores[counted, tag].tolist(), [tag in truth[place] for place in counted]
        )
        if tag not in with_curve:
            expected = None
        assert row["average_precision"] == (expected and pytest.approx(expected, rel=1e-4))
        for name in ("curve_recall", "curve_precision"):
            assert (row[name] is None) == (expected is None)
    assert len(rows) == NUM_TAGS


def test_groups(evaluated, predicted):
    posts, names = evaluated.posts, age_group_names(AGES)
    ages = [age_group(post.age, AGES) for post in posts]
    groups = {
        "age": ["unknown" if age is None else names[age] for age in ages],
        "gender": [post.gender or "unknown" for post in posts],
        "country": [post.country or "unknown" for post in posts],
    }
    assert set(evaluated.metrics["groups"]) == set(groups)
    # No two have enough users for a gap.
    assert (evaluated.metrics["gaps"], evaluated.metrics["largest_gap"]) == ([], None)
    for attribute, group_of_post in groups.items():
        rows = evaluated.metrics["groups"][attribute]
        assert sorted(row["group"] for row in rows) == sorted(set(group_of_post))
        assert rows[-1]["group"] == "unknown"
        for row in rows:
            members = [place for place, g in enumerate(group_of_post) if g == row["group"]]
            assert row["posts"] == len(members)
            assert row["users"] == len({posts[place].user_id for place in members})
            expected = mean_metrics(
                [predicted[place] for place in members],
                [posts[place].truth for place in members],
                [posts[place].num_truth for place in members],
                KS,
            )
            assert set(row) == {"group", "posts", "users", "intervals", *expected}
            assert set(row["intervals"]) == set(expected)
            for metric, value in expected.items():
                assert row[metric] == pytest.approx(value, rel=1e-5)
                low, high = row["intervals"][metric]
                assert 0 <= low <= high <= 1 + 1e-6


def test_ndcg_as_scikit_learn_has_it(evaluated, scores):
    """On posts without hashtags outside the vocabulary; scores of a trained model do not tie."""
    expected = evaluated.evaluation.posts.hits["model"]
    for k in KS:
        for place, post in enumerate(evaluated.posts):
            if post.num_truth > len(post.truth):
                continue
            gains = [[tag in post.truth for tag in range(NUM_TAGS)]]
            theirs = ndcg_score(gains, scores[[place]], k=k, ignore_ties=True)
            hits = {i for i, hit in enumerate(expected[place]) if hit}
            ours = metrics_of_post(range(6), hits, post.num_truth, k)
            assert ours[f"nDCG@{k}"] == pytest.approx(theirs)
