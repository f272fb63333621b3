"""How many cells are looked into, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tagkeras.retrieval import (
    Cells,
    IVFTopK,
    Queries,
    RecallCurve,
    fewest_posts,
    fewest_probes,
    find_cells,
    top_k,
)

TABLE = np.array([[1, 0], [0, 1], [0.9, 0], [0, 0.8], [-1, 0]], np.float32)
CELLS = Cells(np.array([[0.95, 0], [0, 0.9], [-1, 0]], np.float32), np.array([0, 1, 0, 1, 2], "i4"))


def test_curve_by_hand():
    """For (2, 1) the best are rows 0, 2 and 1; for (-1, 0.5) rows 4, 1 and 3."""
    phi = np.array([[2, 1], [-1, 0.5]], np.float32)
    curve = RecallCurve.measure(phi, tf.Variable(TABLE), CELLS, 3)
    np.testing.assert_array_equal(curve.needed, [[1, 1, 2], [1, 2, 2]])
    # The first post looks into cells of 2, 2 and 1 rows, the second of 1, 2 and 2.
    np.testing.assert_allclose(curve.scored, [1.5, 3.5, 5])


CURVE = RecallCurve(np.array([[1, 1], [1, 2], [1, 3], [1, 1]]), np.array([10.0, 20, 40, 50]))


def test_recall_by_hand():
    recall = CURVE.recall(2)
    assert (recall.probes, recall.recall, recall.scored) == (2, 7 / 8, 0.4)
    # Recalls 1, 1, 0.5, 1, and 0.5 of the post that is thought up.
    assert recall.lower == pytest.approx(0.8 - 1.645 * (0.3 / 4) ** 0.5 / 5**0.5)


def test_is_certain_of_all_cells_only():
    """Four posts that were answered without a miss are no proof: 0.9 - 1.645 * 0.1."""
    assert CURVE.recall(3).recall == 1
    assert CURVE.recall(3).lower == pytest.approx(0.9 - 1.645 * 0.1)
    assert CURVE.recall(4).lower == 1
    many = RecallCurve(np.ones((2000, 10), int), np.array([1.0, 2.0]))
    assert 0.9998 < many.recall(1).lower < 1


def test_takes_as_few_cells_as_do():
    for target, probes in ((0.45, 1), (0.58, 2), (0.7, 3), (0.74, 4), (1.0, 4)):
        assert CURVE.choose_probes(target, fewest=1).probes == probes
    assert CURVE.choose_probes(0.5, fewest=3).probes == 3


@pytest.mark.parametrize(("target", "k"), [(0.99, 10), (0.9, 3), (0.999, 1), (0.01, 1)])
def test_fewest_posts_show_a_recall_and_one_less_does_not(target, k):
    def lower(posts):
        return RecallCurve(np.ones((posts, k), int), np.array([1.0, 2.0])).recall(1).lower

    posts = fewest_posts(target, k)
    assert lower(posts) >= target
    assert posts == 1 or lower(posts - 1) < target


def test_cells_hold_as_many_as_are_answered():
    """Three answers may come from cells of 1 and 1 and 4: two cells could have too few."""
    cells = Cells(np.zeros((3, 1), "f"), np.array([0, 1, 2, 2, 2, 2], "i4"))
    assert [fewest_probes(cells, k) for k in (1, 2, 3, 6)] == [1, 2, 3, 3]


def test_promised_recall_is_that_of_searches():
    """On the posts that it was measured on, to the last hashtag; on others, about."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(1000, 8)).astype(np.float32)
    variable = tf.Variable(table)
    posts = rng.normal(size=(400, 8)).astype(np.float32)
    cells = find_cells(table, 40, Queries.rank(posts, variable, 10))
    chosen = RecallCurve.measure(posts[:200], variable, cells, 10).choose_probes(0.9, 1)
    assert 0.9 <= chosen.lower < chosen.recall
    assert chosen.scored < 0.9
    index = IVFTopK(table, cells, chosen.probes, 10)
    found = tf.function(index)(tf.constant(posts))[1].numpy()
    exact = top_k(tf.constant(posts), variable, 10)[1].numpy()
    recalls = [len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]
    assert np.mean(recalls[:200]) == pytest.approx(chosen.recall)
    assert np.mean(recalls[200:]) >= 0.88
