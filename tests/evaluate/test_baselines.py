import itertools
import shutil

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
    NeighbourBaseline,
    best_tags,
    make_baselines,
)

BOUNDS = (18, 25, 40)
Y = 12


class TestDemographic:
    @pytest.mark.parametrize("size", [1000, 17])
    def test_against_brute_force(self, size):
        rng = np.random.default_rng(0)
        facts = {
            "country": [str(rng.choice(["", "GB", "US"])) for _ in range(600)],
            "gender": [str(rng.choice(["", "female", "other"])) for _ in range(600)],
            "age": [float(rng.choice([np.nan, 17, 18, 30, 40])) for _ in range(600)],
        }
        people = list(zip(*facts.values(), strict=True))
        # What tags a group likes depends on all three.
        shifts = [(c == "GB") * 3 + (g == "female") * 5 + (a == 17) * 2 for c, g, a in people]
        tags = [sorted({int(rng.geometric(0.3) + shift) % Y for _ in range(2)}) for shift in shifts]
        baseline = DemographicBaseline(Y, Y, BOUNDS)
        for piece in batches_of(make_batch(tags, **facts), size):
            baseline.learn(piece)
        groups = [(c, g, age_group(a, BOUNDS)) for c, g, a in people]
        asked = list(itertools.product(["", "GB", "NZ"], ["", "female"], [np.nan, 17, 18, 39.9]))
        columns = dict(zip(facts, map(list, zip(*asked, strict=True)), strict=True))
        best = baseline.rank(make_batch([[]] * len(asked), **columns))
        for row, (country, gender, age) in zip(best.tolist(), asked, strict=True):
            group = (country, gender, age_group(age, BOUNDS))
            shares = demographic_shares(list(map(set, tags)), groups, group, Y)
            assert row == ranking(shares, Y)
        assert len(set(map(tuple, best.tolist()))) > 5

    def test_masked_facts_tell_nobody_apart(self):
        """Who says what no training user said is of the group of the others all the same."""
        baseline = DemographicBaseline(3, 1, BOUNDS, masked_facts=("gender", "place"))
        baseline.learn(make_batch([[2]] * 300 + [[1]] * 301, country=["GB"] * 300 + ["US"] * 301))
        asked = make_batch([[], []], country=["GB", "US"], gender=["female", ""])
        assert baseline.rank(asked).tolist() == [[2], [1]]


def learned(batch, size=1000, **options):
    number = len(batch["post_id"])
    options = {"num_posts": number, "most_posts": number, "num_tags": Y, "k": 5, **options}
    baseline = NeighbourBaseline(**options)
    for piece in batches_of(batch, size):
        baseline.learn(piece)
    return baseline


def test_neighbours_by_hand():
    descriptors = np.array([[3, 0], [1, 1], [0, 2], [-1, 0.0]], np.float32)
    batch = make_batch([[7], [8, 9], [9], [7, 3]], descriptor=descriptors)
    asked = make_batch([[], []], descriptor=np.array([[1, 0.1], [0, 5]], np.float32))
    # Of the two nearest: cosines 0.995 (7) and 0.774 (8, 9); 1 (9) and 0.707 (8, 9).
    # Then the most frequent of all: 7 and 9 twice, 3 and 8 once.
    best = learned(batch, neighbours=2).rank(asked).tolist()
    assert best == [[7, 9, 8, 3, 0], [9, 8, 7, 3, 0]]
    # The opposite direction does not vote: it would take from 7 what the first gave.
    assert learned(batch).rank(asked).tolist()[0] == [7, 9, 8, 3, 0]


def test_a_descriptor_of_zeros():
    """A descriptor of zeros is near to nobody: the most frequent tags are left."""
    batch = make_batch([[4], [4], [2]], descriptor=np.eye(3, dtype=np.float32))
    asked = make_batch([[]], descriptor=np.zeros((1, 3), np.float32))
    assert learned(batch).rank(asked).tolist() == [[4, 2, 0, 1, 3]]


@pytest.mark.parametrize("size", [1000, 30])
def test_neighbours_are_drawn_where_there_are_more(size):
    """Each post has a direction and a tag set of its own, so that it tells if it was taken."""
    number, most = 64, 20
    tags = [[row // 8, 8 + row % 4] for row in range(number)]
    descriptors = np.eye(number, dtype=np.float32)
    batch = make_batch(tags, descriptor=descriptors)
    taken = []
    for seed in (0, 0, 1):
        baseline = learned(batch, size, most_posts=most, seed=seed, k=2)
        # A post that was taken is its own nearest neighbour, and the only one.
        ranked = baseline.rank(batch).tolist()
        taken.append([row for row in range(number) if sorted(ranked[row]) == tags[row]])
    assert taken[0] == taken[1] != taken[2]
    assert len(taken[0]) == most
    # From all over the split.
    assert min(taken[0]) < 16
    assert max(taken[0]) >= 48


def test_training_posts_that_are_not_there(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=60, validation=0, test=5)
    shutil.rmtree(dataset / "train")
    (dataset / "train").mkdir()
    options = {"num_tags": 20, "k": 20, "age_bounds": BOUNDS, "neighbour_posts": 1000}
    with pytest.raises(UserError, match="train: 0 shards, but dataset.json names"):
        make_baselines(("demographic",), dataset, Manifest.load(dataset), **options)


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
