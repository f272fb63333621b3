import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tagkeras.report.tag_neighbours import find_tag_neighbours


def test_by_hand():
    vectors = np.array([[1.0, 0], [0, 2], [3, 4], [-5, 0], [0, 0]])
    (found,) = find_tag_neighbours(vectors, ["tbt", "$x^", "c", "d", "e"], ["tbt"], k=10)
    assert found.tag == "tbt"
    # A hashtag that was never learned is near to none.
    assert [neighbour.tag for neighbour in found.neighbours] == ["c", "$x^", "d"]
    assert [neighbour.cosine for neighbour in found.neighbours] == pytest.approx([0.6, 0, -1])


def test_ties_go_to_the_more_frequent_and_zeros_have_no_neighbours():
    vectors = np.array([[1.0, 0], [2, 0], [3, 0], [0, 0]])
    found = find_tag_neighbours(vectors, list("abcd"), ["c", "d"], k=1)
    assert found[0].neighbours[0].tag == "a"
    assert found[1].neighbours == ()


@given(
    arrays(np.float32, (7, 3), elements=st.integers(-4, 4).map(float)).filter(
        lambda v: (np.abs(v).sum(axis=1) > 0).all()
    ),
    st.integers(1, 9),
)
def test_against_numpy(vectors, k):
    tags = [f"t{tag}" for tag in range(7)]
    found = find_tag_neighbours(vectors, tags, tags, k=k)
    units = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    cosines = units @ units.T
    for tag, (row, result) in enumerate(zip(cosines, found, strict=True)):
        others = np.delete(row, tag)
        expected = np.sort(others)[::-1][:k]
        assert [n.cosine for n in result.neighbours] == pytest.approx(expected, abs=1e-9)
        for neighbour in result.neighbours:
            assert neighbour.cosine == pytest.approx(row[tags.index(neighbour.tag)], abs=1e-9)
            assert neighbour.tag != tags[tag]


def test_refuses():
    vectors = np.ones((2, 3))
    with pytest.raises(ValueError, match="'z' is no hashtag"):
        find_tag_neighbours(vectors, ["a", "b"], ["z"])
    with pytest.raises(ValueError, match="3 hashtags need as many rows"):
        find_tag_neighbours(vectors, ["a", "b", "c"], [])
    with pytest.raises(ValueError, match="at least 1"):
        find_tag_neighbours(vectors, ["a", "b"], ["a"], k=0)
