"""k-means cells of rows."""

import sys

import numpy as np
import pytest

from tagkeras.errors import UserError
from tagkeras.indexing import cells as cells_module
from tagkeras.indexing.cells import default_num_cells, find_cells


def test_two_heaps():
    table = np.array([[0, 0], [0, 1], [10, 10], [10, 11], [10, 12]], np.float32)
    cells = find_cells(table, 2)
    heap = cells.cell_of_row[2]
    np.testing.assert_array_equal(cells.cell_of_row == heap, [False, False, True, True, True])
    np.testing.assert_allclose(cells.centroids[heap], [10, 11])
    np.testing.assert_allclose(cells.centroids[1 - heap], [0, 0.5])


def test_is_a_partition_whose_centroids_are_means(monkeypatch):
    """Also where k-means looks at some of the rows only."""
    monkeypatch.setattr(cells_module, "ROWS_PER_CELL", 5)
    table = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    cells = find_cells(table, 30)
    assert cells.cell_of_row.shape == (400,)
    assert set(cells.cell_of_row) == set(range(len(cells)))
    for cell, centroid in enumerate(cells.centroids):
        np.testing.assert_allclose(
            centroid, table[cells.cell_of_row == cell].mean(axis=0), rtol=1e-4, atol=1e-6
        )
    again = find_cells(table, 30)
    np.testing.assert_array_equal(again.cell_of_row, cells.cell_of_row)
    assert not np.array_equal(find_cells(table, 30, seed=1).cell_of_row, cells.cell_of_row)


@pytest.mark.filterwarnings("error")
def test_rows_that_are_equal_share_a_cell():
    table = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    cells = find_cells(table, 10)
    assert 1 <= len(cells) <= 3
    for rows in cells.cell_of_row.reshape(3, 5):
        assert len(set(rows)) == 1


def test_the_table_is_left_as_it_is():
    table = np.random.default_rng(0).normal(5, size=(50, 4)).astype(np.float32)
    before = table.copy()
    find_cells(table, 5)
    np.testing.assert_array_equal(table, before)


def test_default_number():
    numbers = {1: 1, 2: 1, 10: 5, 100: 40, 10_000: 400, 4_600_000: 8579}
    assert {rows: default_num_cells(rows) for rows in numbers} == numbers


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(UserError, match=r"pip install 'tagkeras\[index\]'"):
        find_cells(np.eye(3, dtype=np.float32), 2)
