import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import lightfm_trainer
from benchmarks.exact_ranking import Embedded, mean_draws, rank, score
from benchmarks.large_world import LargeWorld
from tagkeras.cli.errors import UserError


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
