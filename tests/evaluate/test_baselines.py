import itertools

import numpy as np
import pytest
from evaluation_helpers import batches_of, make_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import age_group, demographic_shares, ranking
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate.baselines import (
    DemographicBaseline,
    best_tags,
    make_baselines,
    rank_by_frequency,
)

BOUNDS = (18, 25, 40)
Y = 12


def test_frequency():
    best = rank_by_frequency(make_batch([[5], [], [1]]), 3)
    assert best.tolist() == [[0, 1, 2]] * 3


class TestDemographic:
    def learned(self, batch, size=1000, k=Y):
        baseline = DemographicBaseline(Y, k, BOUNDS)
        for piece in batches_of(batch, size):
            baseline.learn(piece)
        return baseline

    def test_by_hand(self):
        """Group (GB, female, 18 to 24): 2 posts with tag 1; elsewhere 9 posts with tag 0."""
        tags = [[1], [1], *[[0]] * 9]
        facts = {
            "country": ["GB", "GB", *["US"] * 9],
            "gender": ["female"] * 11,
            "age": [18, 24, *[20] * 9],
        }
        baseline = self.learned(make_batch(tags, **facts), k=2)
        # (2 + 100 * 2/11) / 102 < (0 + 100 * 9/11) / 102: two posts are no reason.
        assert baseline.rank(
            make_batch([[]], country=["GB"], gender=["female"], age=[20])
        ).tolist() == [[0, 1]]
        more = {name: facts[name] + facts[name][:1] * 70 for name in facts}
        baseline = self.learned(make_batch(tags + [[1]] * 70, **more), k=2)
        asked = make_batch([[], []], country=["GB", "US"], gender=["female"] * 2, age=[20, 20])
        assert baseline.rank(asked).tolist() == [[1, 0], [1, 0]]
        asked = make_batch([[], []], country=["US"] * 2, gender=["female"] * 2, age=[20, 25])
        # 9 of 9 posts weigh less than 72 of 81 of everyone; an unseen group is as everyone.
        assert baseline.rank(asked).tolist() == [[1, 0], [1, 0]]

    @pytest.mark.parametrize("size", [1000, 17])
    def test_against_brute_force(self, size):
        rng = np.random.default_rng(0)
        facts = {
            "country": [str(rng.choice(["", "GB", "US"])) for _ in range(600)],
            "gender": [str(rng.choice(["", "female", "other"])) for _ in range(600)],
            "age": [float(rng.choice([np.nan, 17, 18, 30, 40])) for _ in range(600)],
        }
        # What tags a group likes depends on all three.
        shifts = [
            int(c == "GB") * 3 + int(g == "female") * 5 + int(a == 17) * 2
            for c, g, a in zip(*facts.values(), strict=True)
        ]
        tags = [sorted({int(rng.geometric(0.3) + shift) % Y for _ in range(2)}) for shift in shifts]
        baseline = self.learned(make_batch(tags, **facts), size)
        groups = [
            (c, g, age_group(a, BOUNDS))
            for c, g, a in zip(facts["country"], facts["gender"], facts["age"], strict=True)
        ]
        asked = list(itertools.product(["", "GB", "NZ"], ["", "female"], [np.nan, 17, 18, 39.9]))
        best = baseline.rank(
            make_batch(
                [[]] * len(asked),
                country=[a[0] for a in asked],
                gender=[a[1] for a in asked],
                age=[a[2] for a in asked],
            )
        )
        seen = set()
        for row, (country, gender, age) in zip(best.tolist(), asked, strict=True):
            group = (country, gender, age_group(age, BOUNDS))
            shares = demographic_shares(list(map(set, tags)), groups, group, Y)
            assert row == ranking(shares, Y)
            seen.add(tuple(row))
        assert len(seen) > 5


class TestMakeBaselines:
    @pytest.fixture(scope="class")
    def dataset(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("baselines") / "dataset"
        return write_dataset(path, posts=700, people=3, validation=0, test=30)

    def made(self, dataset, names, folder=None):
        options = {"num_tags": 20, "k": 20, "age_bounds": BOUNDS, "neighbour_posts": 1000}
        return make_baselines(names, folder or dataset, Manifest.load(dataset), **options)

    def test_only_those_asked_for(self, dataset, tmp_path):
        assert self.made(dataset, ()) == {}
        assert list(self.made(dataset, ("neighbour",))) == ["neighbour_baseline"]
        # The most frequent tags take no training posts.
        frequency = self.made(dataset, ("frequency",), folder=tmp_path / "nowhere")
        assert list(frequency) == ["frequency_baseline"]

    def test_training_posts_that_are_not_there(self, dataset, tmp_path):
        (tmp_path / "train").mkdir()
        with pytest.raises(UserError, match="train: 0 shards, but dataset.json names 3"):
            self.made(dataset, ("demographic",), folder=tmp_path)


VOTES = st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([0.5, 1.0, 1.5, 3.0]))


@settings(deadline=None)
@given(
    st.lists(VOTES, max_size=30), st.lists(st.integers(0, 2), min_size=10, max_size=10), st.data()
)
def test_best_tags_against_sorting_all(votes, prior, data):
    """Few values, so that totals tie."""
    k = data.draw(st.integers(1, 10))
    totals = np.tile(np.array(prior, float), (4, 1))
    for row, tag, weight in votes:
        totals[row, tag] += weight
    rows, tags, weights = (
        np.array([vote[i] for vote in votes], kind)
        for i, kind in enumerate([np.int64, np.int64, np.float64])
    )
    best = best_tags(rows, tags, weights, num_rows=4, prior=np.array(prior, float), k=k)
    expected = np.argsort(-totals, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best, expected)


def test_best_tags_of_many_rows_and_tags():
    """Keys of row and tag are larger than 32 bits hold."""
    num_tags = 10**6
    prior = np.zeros(num_tags)
    rows, tags = np.array([4999, 4999], np.int32), np.array([num_tags - 1, 7], np.int32)
    best = best_tags(rows, tags, np.array([1.0, 2.0]), num_rows=5000, prior=prior, k=3)
    assert best[4999].tolist() == [7, num_tags - 1, 0]
    assert best[0].tolist() == [0, 1, 2]
