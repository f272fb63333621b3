import numpy as np
import pytest
from scipy.stats import spearmanr

from tagkeras.report.user_map import (
    Agreement,
    neighbour_agreement,
    radius_correlation,
    sample_users,
    user_map,
)


def two_kinds(per_kind=30):
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, 0.1, (2 * per_kind, 24))
    vectors[per_kind:, 0] += 5
    return vectors, ["a"] * per_kind + ["b"] * per_kind


class TestUserMap:
    def test_puts_alike_users_together_and_is_the_same_each_time(self):
        vectors, kinds = two_kinds()
        points = user_map(vectors, seed=3)
        assert points.shape == (60, 2)
        assert points.dtype == np.float32
        np.testing.assert_array_equal(points, user_map(vectors, seed=3))
        assert neighbour_agreement(points, kinds).share > 0.99

    @pytest.mark.parametrize("width", [1, 2, 24])
    def test_few_users_and_narrow_vectors(self, width):
        points = user_map(np.random.default_rng(0).normal(size=(5, width)))
        assert np.isfinite(points).all()

    def test_many_users_of_the_same_vector(self):
        vectors = np.repeat(np.eye(3), 10, axis=0)
        assert np.isfinite(user_map(vectors)).all()

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            (np.zeros((4, 24)), "5 users or more"),
            (np.zeros((0, 24)), "5 users or more"),
            (np.ones((9, 24)), "the same: there is nothing to map"),
            (np.full((9, 24), np.nan), "finite"),
        ],
    )
    def test_refuses_what_has_no_map(self, vectors, message):
        with pytest.raises(ValueError, match=message):
            user_map(vectors)


def test_sample_users():
    np.testing.assert_array_equal(sample_users(3, 5), [0, 1, 2])
    rows = sample_users(1000, 100, seed=4)
    assert len(np.unique(rows)) == 100
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sample_users(1000, 100, seed=4))


class TestRadiusCorrelation:
    def test_is_spearmans_of_the_distance_from_the_middle(self):
        rng = np.random.default_rng(0)
        points, age = rng.normal(size=(50, 2)), rng.uniform(14, 80, 50)
        age[::7] = np.nan
        known = np.isfinite(age)
        shifted = points[known] - points[known].mean(axis=0)
        expected = spearmanr(np.hypot(*shifted.T), age[known]).statistic

        found = radius_correlation(points, age)
        assert found.value == pytest.approx(expected)
        assert found.low < found.value < found.high
        assert found.users == known.sum()

    def test_from_the_origin_it_is_that_of_the_norms(self):
        vectors = np.array([[1.0, 0], [0, 2], [3, 0], [0, 4], [5, 0]])
        found = radius_correlation(vectors, np.array([10, 20, 30, 40, 50]), center="origin")
        assert found.value == pytest.approx(1)
        assert found.high <= 1

    def test_refuses_what_has_no_order(self):
        with pytest.raises(ValueError, match="4 users of known age, received 1"):
            radius_correlation(np.zeros((5, 2)), np.array([1, np.nan, np.nan, np.nan, np.nan]))
        with pytest.raises(ValueError, match="no correlation"):
            radius_correlation(np.random.default_rng(0).normal(size=(5, 2)), np.full(5, 30.0))


class TestNeighbourAgreement:
    def test_by_hand(self):
        points = np.array([[0.0, 0], [1, 0], [2.5, 0], [10, 0], [11, 0], [99, 0]])
        values = ["a", "a", "b", "b", "b", ""]
        # Nearest: 0 -> 1 yes, 1 -> 0 yes, 2 -> 1 no, 3 -> 4 yes, 4 -> 3 yes.
        # By chance: (2 * 1 + 3 * 2) / 5 / 4.
        found = neighbour_agreement(points, values, k=1)
        assert found == Agreement(share=pytest.approx(0.8), expected=pytest.approx(0.4), users=5)

    def test_shuffled_users_agree_as_expected(self):
        rng = np.random.default_rng(0)
        values = rng.choice(["a", "b", "c"], 2000, p=[0.6, 0.3, 0.1]).tolist()
        found = neighbour_agreement(rng.normal(size=(2000, 2)), values)
        assert found.share == pytest.approx(found.expected, abs=0.02)
        assert found.expected == pytest.approx(0.46, abs=0.02)

    def test_refuses_fewer_than_two(self):
        with pytest.raises(ValueError, match="2 users of known value, received 1"):
            neighbour_agreement(np.zeros((3, 2)), ["a", "", ""])
