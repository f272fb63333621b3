import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import average_precision, precision_recall
from sklearn.metrics import average_precision_score, precision_recall_curve

from tagkeras.evaluate.tag_metrics import MOST_POINTS, CurveScores, default_curve_tags, tag_curve

# Few values, so that posts tie.
POSTS = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=40)


def split(posts):
    scores, truth = zip(*posts, strict=True)
    return np.array(scores, np.float32), np.array(truth)


@settings(deadline=None)
@given(POSTS)
def test_against_scikit_learn_and_the_oracle(posts):
    scores, truth = split(posts)
    curve = tag_curve(scores, truth)
    if not truth.any():
        assert curve is None
        return
    expected = average_precision(scores.tolist(), truth.tolist())
    assert curve.average_precision == pytest.approx(expected)
    assert curve.average_precision == pytest.approx(average_precision_score(truth, scores))
    # Theirs rises by threshold and goes on behind the last hit.
    precision, recall, _ = precision_recall_curve(truth, scores)
    end = np.flatnonzero(recall[::-1] == 1)[0] + 1
    np.testing.assert_allclose(curve.recall, recall[::-1][:end], rtol=1e-6)
    np.testing.assert_allclose(curve.precision, precision[::-1][:end], rtol=1e-6)
    points = precision_recall(scores.tolist(), truth.tolist())[: end - 1]
    np.testing.assert_allclose(np.c_[curve.recall, curve.precision][1:], points, rtol=1e-6)


@pytest.mark.parametrize("num_posts", [MOST_POINTS - 1, MOST_POINTS, 5000])
def test_thinned_to_what_can_be_seen(num_posts):
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=num_posts), rng.random(num_posts) < 0.3
    # The last of all has it, so that no point is cut off; the first, so that points differ.
    truth[[np.argmin(scores), np.argmax(scores)]] = True
    curve = tag_curve(scores, truth)
    points = np.c_[curve.recall, curve.precision]
    assert len(points) <= MOST_POINTS
    assert num_posts >= MOST_POINTS or len(points) == num_posts + 1
    assert curve.average_precision == pytest.approx(average_precision_score(truth, scores))
    assert points[0].tolist() == [0, 1]
    assert points[-1].tolist() == [1, np.float32(truth.mean())]
    # Each point kept is one of all.
    hits = np.cumsum(truth[np.argsort(-scores)])
    every = np.c_[hits / truth.sum(), hits / np.arange(1, num_posts + 1)].astype(np.float32)
    assert set(map(tuple, points[1:])) <= set(map(tuple, every))


def test_a_rare_tag_that_is_found_at_once_keeps_its_curve():
    """Of 100,000 posts 300 have it, nearly all among the first 1,000, and the last of all."""
    truth = np.zeros(100_000, bool)
    truth[np.random.default_rng(0).choice(1000, 299, replace=False)] = True
    truth[-1] = True
    curve = tag_curve(-np.arange(100_000.0), truth)
    assert len(curve.recall) > 150
    assert np.diff(curve.recall).max() < 0.02
    # Drawn in steps it has the area that it has with all its points, nearly.
    area = np.sum(np.diff(curve.recall) * curve.precision[1:])
    assert area == pytest.approx(curve.average_precision, abs=0.01)


class TestCurveScores:
    SCORES = np.array([[3, 1], [2, 2], [1, 3], [0, 0]], np.float32)
    TAGS = ((5,), (2, 7), (), (2, 5))
    REMOVED = ((2,), (), (5,), ())

    def added(self, *cuts):
        scores = CurveScores([5, 2], num_posts=4, num_tags=9)
        for start, stop in zip((0, *cuts), (*cuts, 4), strict=True):
            lists = (
                tf.ragged.constant([list(row) for row in rows[start:stop]], tf.int64, ragged_rank=1)
                for rows in (self.TAGS, self.REMOVED)
            )
            scores.add(self.SCORES[start:stop], *lists)
        return scores.curves()

    @pytest.mark.parametrize("cuts", [(), (1,), (1, 2, 3)])
    def test_posts_that_a_tag_was_taken_off_are_left_out(self, cuts):
        curves = self.added(*cuts)
        assert sorted(curves) == [2, 5]
        # Tag 5 on posts 0, 1, 3: yes, no, yes. Tag 2 on posts 1, 2, 3: 2 yes, 3 no, 0 yes.
        assert curves[5].average_precision == pytest.approx((1 + 2 / 3) / 2)
        assert curves[2].average_precision == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_how_many_tags_have_curves():
    cases = [(20, 100), (10**5, 100), (10**5, 10**6), (5, 0)]
    assert [default_curve_tags(*case) for case in cases] == [20, 400, 134, 5]
