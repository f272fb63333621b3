import numpy as np
import pytest
from evaluation_helpers import batches_of, make_batch
from numpy_metrics import neighbour_votes, ranking

from tagkeras.evaluate.baselines import NeighbourBaseline

Y = 12


def draw_tags(rng, number):
    return [
        sorted(rng.choice(Y, rng.integers(1, 4), replace=False).tolist()) for _ in range(number)
    ]


def learned(batch, size=1000, **options):
    number = len(batch["post_id"])
    options = {"num_posts": number, "most_posts": number, "num_tags": Y, "k": 5, **options}
    baseline = NeighbourBaseline(**options)
    for piece in batches_of(batch, size):
        baseline.learn(piece)
    return baseline


def test_by_hand():
    descriptors = np.array([[3, 0], [1, 1], [0, 2], [-1, 0.0]], np.float32)
    batch = make_batch([[7], [8, 9], [9], [7, 3]], descriptor=descriptors)
    asked = make_batch([[], []], descriptor=np.array([[1, 0.1], [0, 5]], np.float32))
    # Of the two nearest: cosines 0.995 (7) and 0.774 (8, 9); 1 (9) and 0.707 (8, 9).
    # Then the most frequent of all: 7 and 9 twice, 3 and 8 once.
    best = learned(batch, neighbours=2).rank(asked).tolist()
    assert best == [[7, 9, 8, 3, 0], [9, 8, 7, 3, 0]]
    # The opposite direction does not vote: it would take from 7 what the first gave.
    assert learned(batch).rank(asked).tolist()[0] == [7, 9, 8, 3, 0]


@pytest.mark.parametrize("size", [1000, 64])
def test_against_brute_force(size):
    rng = np.random.default_rng(1)
    descriptors = np.abs(rng.normal(size=(300, 6))).astype(np.float32)
    tags = draw_tags(rng, 300)
    queries = np.abs(rng.normal(size=(40, 6))).astype(np.float32)
    baseline = learned(make_batch(tags, descriptor=descriptors), size, k=Y)
    best = baseline.rank(make_batch([[]] * 40, descriptor=queries))
    for query, row in zip(queries, best.tolist(), strict=True):
        votes = neighbour_votes(descriptors, tags, query, Y)
        assert row == ranking(votes, Y)


def test_nothing_to_see():
    """A descriptor of zeros is near to nobody: the most frequent tags are left."""
    batch = make_batch([[4], [4], [2]], descriptor=np.eye(3, dtype=np.float32))
    asked = make_batch([[]], descriptor=np.zeros((1, 3), np.float32))
    assert learned(batch).rank(asked).tolist() == [[4, 2, 0, 1, 3]]


@pytest.mark.parametrize("size", [1000, 30])
def test_drawn_where_there_are_more(size):
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
