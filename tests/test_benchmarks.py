import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import lightfm_trainer, planted
from benchmarks.exact_ranking import Embedded, mean_draws, rank, score
from benchmarks.large_world import LargeWorld
from benchmarks.ridge import Ridge
from tagkeras.cli.errors import UserError
from tagkeras.evaluate.config import Config as EvaluateConfig
from tagkeras.evaluate.evaluate import evaluate


class TestExactRanking:
    def test_ranks_with_biases_and_ties_to_the_lower_id(self):
        tags = np.zeros((12, 1))
        tags[7] = 2.0
        biases = np.zeros(12)
        biases[3] = 1.0
        ranked = rank(Embedded(np.array([[1.0], [-1.0]]), tags, biases))
        assert ranked.tolist() == [
            [7, 3, 0, 1, 2, 4, 5, 6, 8, 9],
            [3, 0, 1, 2, 4, 5, 6, 8, 9, 10],
        ]

    def test_scores_as_evaluate_does(self):
        predictions = np.arange(10)[None].repeat(2, axis=0)
        truth = [np.array([0, 9, 11, 12]), np.array([20])]
        assert score(predictions, truth) == {"P@1": 0.5, "R@10": (2 / 4 + 0) / 2, "A@10": 0.5}

    def test_mean_draws_is_that_of_a_capped_geometric_law(self):
        # A quarter of the tags violates for the first post, none for the second.
        embedded = Embedded(np.array([[1.0], [-1.0]]), np.array([[0.0], [-9.0], [-9.0], [-9.0]]))
        draws = mean_draws(embedded, [np.array([0]), np.array([1])], 0.1, 3)
        first = 1 + 3 / 4 + (3 / 4) ** 2
        second = 1 + 1 / 4 + (1 / 4) ** 2  # three tags score the same 9
        assert draws == round((first + second) / 2, 1)


@pytest.mark.parametrize("posts", [3, 30])  # fewer than features, and more
def test_ridge_is_the_least_penalised_square(posts):
    rng = np.random.default_rng(0)
    features, others = rng.normal(size=(posts, 5)), rng.normal(size=(4, 5))
    tags = [rng.choice(6, size=2, replace=False) for _ in range(posts)]
    truth = np.zeros((posts, 6))
    for row, ids in zip(truth, tags, strict=True):
        row[ids] = 1
    ridge = Ridge(features, tags, 6)
    for strength in (0.1, 2.0):
        # The intercept is a column of ones that has no penalty.
        design = np.hstack([features, np.ones((posts, 1))])
        penalty = strength * np.diag([1, 1, 1, 1, 1, 0])
        weights = np.linalg.solve(design.T @ design + penalty, design.T @ truth)
        np.testing.assert_allclose(
            ridge.embed(others, strength).scores(slice(None)),
            np.hstack([others, np.ones((4, 1))]) @ weights,
            atol=1e-6,
        )


def test_without_lightfm_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightfm", None)
    with pytest.raises(UserError, match=r"pip install -c constraints.txt '\.\[bench\]'"):
        lightfm_trainer.check_installed()


def test_a_post_of_the_large_world_is_of_one_topic_and_its_users_traits():
    world = LargeWorld(5000, 20, 8)
    rng = np.random.default_rng(0)
    first = world.draw_popular(2000, rng)
    posts = world.draw_posts(first, rng)
    np.testing.assert_allclose(np.linalg.norm(posts.descriptors, axis=1), 1, rtol=1e-5)
    for tag, tags, user in zip(first, posts.tags, posts.user_descriptors, strict=True):
        assert tag in tags
        assert len(set(tags)) == len(tags)
        assert set(world.topic_of_tag[tags]) == {world.topic_of_tag[tag]}
        age, gender, countries = user[0], user[1], user[2:7]
        ages = (0.13, 0.22, 0.35, 0.55, 0.8)
        traits = {
            int(np.argmax(countries)),
            5 + int(gender == 1),
            7 + int(np.searchsorted(ages, age, side="right")) - 1,
        }
        assert set(world.group_of_tag[tags]) <= {0, *(1 + trait for trait in traits)}


@pytest.mark.slow
def test_the_index_is_measured(tmp_path):
    flags = "--tags=3000 --topics=30 --descriptor_size=16 --passes=1 --batch_size=256 --posts=50"
    command = [sys.executable, "-m", "benchmarks.index", f"--folder={tmp_path}", *flags.split()]
    for _ in range(2):  # trained, and read
        done = subprocess.run([*command, "--turns=2"], check=True, capture_output=True, text=True)
        result = json.loads(done.stdout)
        assert result["chosen"]["lower"] >= 0.99
        recalls = [point["recall"] for point in result["curve"]]
        assert recalls == sorted(recalls)
        for times in (result["search"], result["request"], *result["batches"].values()):
            assert times["exact"]["ms"] > 0
            assert times["ivf"]["ratio"] > 0
    assert "training" not in done.stderr


@pytest.mark.slow
def test_what_people_would_use_is_measured_as_evaluate_does(tmp_path):
    size = {"posts": 600, "descriptor_size": 16, "tags": 40, "topics": 5}
    planted.main(planted.Config(output=str(tmp_path), **size))
    command = [sys.executable, "-m", "benchmarks.real", f"--posts={tmp_path / 'posts.parquet'}"]
    flags = "--seeds=1 --parts=ridge,baselines,warp --models=multiplicative --min_tag_count=20"
    command += [f"--folder={tmp_path}", *flags.split()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    methods, seed = result["methods"], tmp_path / "seed0"
    metrics = evaluate(
        EvaluateConfig(
            workdir=str(seed / "multiplicative"),
            data=str(seed / "dataset"),
            output=str(tmp_path / "evaluation"),
        )
    )
    assert result["test_posts"] == metrics["num_posts"]
    told, blind = (methods[f"multiplicative, WARP{facts}"] for facts in ("", ", no facts"))
    assert told["by_seed"] != blind["by_seed"]
    for name in ("P@1", "R@10", "A@10"):
        for baseline in ("frequency", "demographic", "neighbour"):
            expected = metrics[f"{baseline}_baseline"][name]
            assert methods[f"{baseline} baseline"][name] == pytest.approx(expected, abs=1e-4)
        assert told[name] == pytest.approx(metrics[name], abs=1e-4)
        bounds = metrics["intervals"]["model"][name]
        assert told["intervals"][name] == pytest.approx(bounds, abs=1e-4)
        assert methods["ridge, image"][name] > methods["frequency baseline"][name]
