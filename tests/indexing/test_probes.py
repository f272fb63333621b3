"""How many cells are looked into, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tagkeras.indexing.cells import Cells, find_cells
from tagkeras.indexing.inverted_file import InvertedFile
from tagkeras.indexing.probes import choose_probes, find_cell_places, measure_recall
from tagkeras.models.top_k import top_k

TABLE = np.array([[1, 0], [0, 1], [0.9, 0], [0, 0.8], [-1, 0]], np.float32)
CELLS = Cells(np.array([[0.95, 0], [0, 0.9], [-1, 0]], np.float32), np.array([0, 1, 0, 1, 2], "i4"))


def test_places_by_hand():
    """For (2, 1) the best are rows 0, 2 and 1; for (-1, 0.5) rows 4, 1 and 3."""
    phi = np.array([[2, 1], [-1, 0.5]], np.float32)
    needed, scored = find_cell_places(phi, tf.Variable(TABLE), CELLS, 3)
    np.testing.assert_array_equal(needed, [[1, 1, 2], [1, 2, 2]])
    # The first post looks into cells of 2, 2 and 1 rows, the second of 1, 2 and 2.
    np.testing.assert_allclose(scored, [1.5, 3.5, 5])


def test_recall_by_hand():
    needed = np.array([[1, 1], [1, 2], [1, 3], [1, 1]])
    scored = np.array([10.0, 20, 40])
    recall = measure_recall(needed, scored, 2)
    assert (recall.probes, recall.recall, recall.scored) == (2, 7 / 8, 0.5)
    # Recalls 1, 1, 0.5, 1: standard deviation 0.25, of the mean 0.125.
    assert recall.lower == pytest.approx(7 / 8 - 1.645 * 0.125)
    assert measure_recall(needed, scored, 3).lower == 1


def test_takes_the_fewest_cells():
    needed = np.array([[1, 1], [1, 2], [1, 3], [1, 1]])
    scored = np.array([10.0, 20, 40])
    cells = Cells(np.zeros((3, 1), "f"), np.repeat(np.arange(3), 5).astype("i4"))
    for target, probes in ((0.4, 1), (0.6, 2), (0.7, 3), (1.0, 3)):
        assert choose_probes(needed, scored, cells, target).probes == probes


def test_cells_hold_as_many_as_are_answered():
    """Three answers may come from cells of 1 and 1 and 4: two cells could have too few."""
    cells = Cells(np.zeros((3, 1), "f"), np.array([0, 1, 2, 2, 2, 2], "i4"))
    chosen = choose_probes(np.ones((4, 3), int), np.array([1.0, 2, 6]), cells, 0.5)
    assert chosen.probes == 3


def test_promised_recall_is_that_of_searches():
    """On the posts that it was measured on, to the last hashtag; on others, about."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 8)).astype(np.float32)
    cells = find_cells(table, 60)
    posts = rng.normal(size=(400, 8)).astype(np.float32)
    variable = tf.Variable(table)
    needed, scored = find_cell_places(posts[:200], variable, cells, 10)
    chosen = choose_probes(needed, scored, cells, 0.9)
    assert 0.9 <= chosen.lower < chosen.recall
    assert chosen.scored < 0.9
    index = InvertedFile(table, cells, chosen.probes)
    found = index.top_k(tf.constant(posts), 10)[1].numpy()
    exact = top_k(tf.constant(posts), variable, 10)[1].numpy()
    recalls = [len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]
    assert np.mean(recalls[:200]) == pytest.approx(chosen.recall)
    assert np.mean(recalls[200:]) >= 0.88
