"""Precision-recall curves, groups of hashtags, how frequent they are and their neighbours."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam.preprocess.make_manifest import histogram
from tagkeras.evaluate.tag_metrics import TagCurve
from tagkeras.report.inputs import Omitted
from tagkeras.report.sections.precision_recall import (
    curves_of,
    draw_precision_recall,
    most_different_tags,
)
from tagkeras.report.sections.tag_groups import select_tag_groups
from tagkeras.report.sections.vocabulary import draw_tag_frequency, find_neighbours, tag_histogram


class TestPrecisionRecall:
    def table(self, precision, truth=(30, 20, 10, 0)):
        columns = {"tag": list("abcd"), "truth": list(truth)}
        return pa.table({**columns, "average_precision": pa.array(precision, pa.float64())})

    def test_tags_that_runs_differ_most_on(self):
        one, other = self.table([0.5, 0.1, 0.9, None]), self.table([0.6, 0.5, 0.7, None])
        assert most_different_tags({"one": one, "other": other}) == ["b", "c", "a"]
        assert most_different_tags({"one": one, "other": other}, 1) == ["b"]
        assert most_different_tags({"one": one}) == ["a", "b", "c"]

    def test_curves_of_evaluations(self):
        columns = {
            "tag": ["a", "b"],
            "average_precision": [0.5, None],
            "curve_recall": pa.array([[0.5, 1.0], None], pa.list_(pa.float64())),
            "curve_precision": pa.array([[1.0, 0.5], None], pa.list_(pa.float64())),
        }
        tables = {"bilinear": pa.table(columns)}
        assert curves_of("b", tables) == curves_of("absent", tables) == {}
        curve = curves_of("a", tables)["bilinear"]
        assert curve.average_precision == 0.5
        np.testing.assert_array_equal(curve.recall, [0.5, 1.0])
        np.testing.assert_array_equal(curve.precision, [1.0, 0.5])

    def test_a_panel_for_each_tag_and_a_line_for_each_model(self, texts_of):
        curve = TagCurve(0.7, np.array([0.5, 1.0]), np.array([1.0, 0.4]))
        models = {"bilinear": curve, "multiplicative": curve}
        figure = draw_precision_recall({"$x^": models, "😀صورة": models, "c": {"bilinear": curve}})

        assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1, 0]
        assert not figure.axes[3].get_visible()
        np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [0, 0.5, 1])
        np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), [1, 1, 0.4])
        texts = texts_of(figure)
        assert {"#$x^", "#😀صورة", "#c", "precision", "recall"} <= set(texts)
        assert texts.count("70.0%") == 5


class TestTagGroups:
    #       most frequent ... least
    TAGS = ("tbt", "love", "ball", "cat", "rare", "gone")

    def table(self, recall):
        columns = {
            "tag": self.TAGS,
            "count": [90, 80, 50, 50, 9, 5],
            "truth": [40, 30, 20, 10, 2, 0],
            "recall@10": pa.array(recall, pa.float64()),
        }
        return pa.table(columns)

    def select(self, **options):
        tables = {
            "bilinear": self.table([0.5, 0.1, 0.3, 0.5, 1.0, None]),
            "user_biased": self.table([0.5, 0.2, 0.3, 0.5, 1.0, None]),
            "mine": self.table([0.4, 0.3, 0.7, 0.7, 1.0, None]),
        }
        return select_tag_groups(tables, "bilinear", "mine", **options)

    def test_three_groups(self):
        groups = self.select(size=2, min_posts=10)
        assert groups["frequent"].tags == ("tbt", "love")
        # tbt and cat tie: the more frequent first; rare would be best, but has two posts.
        assert groups["bilinear"].tags == ("tbt", "cat")
        # Gains are -0.1, 0.2, 0.4, 0.2: love before cat, as it is more frequent.
        assert groups["gains"].tags == ("ball", "love")
        np.testing.assert_array_equal(groups["gains"].posts, [20, 30])
        np.testing.assert_allclose(groups["gains"].recall["user_biased"], [0.3, 0.2])

    def test_no_hashtag_qualifies(self):
        with pytest.raises(Omitted, match="no hashtag is on 41 posts"):
            self.select(min_posts=41)
        with pytest.raises(Omitted, match="recalls no hashtag of 40 posts better"):
            self.select(min_posts=40)


class TestFrequency:
    @given(st.lists(st.integers(0, 5000), min_size=1))
    def test_bins_are_those_of_a_manifest(self, counts):
        expected = list(histogram(np.array(counts)).values())
        found = tag_histogram(np.array(counts))
        assert found + [0] * (len(expected) - len(found)) == expected

    def test_both_distributions(self, texts_of):
        figure = draw_tag_frequency({"natural": [0, 3, 2, 1], "balanced": [2, 3, 1]})
        (axes,) = figure.axes
        assert [bar.get_width() for bar in axes.patches] == [0, 2, 3, 3, 2, 1, 1, 0]
        texts = set(texts_of(figure))
        assert {"0", "1", "2-3", "4-7", "natural", "balanced"} <= texts
        assert {"6 / 6", "6 / 4", "3 / 1", "1 / 0"} <= texts  # on at least so many posts


class TestNeighbours:
    def test_by_hand(self):
        vectors = np.array([[1.0, 0], [0, 2], [3, 4], [-5, 0], [0, 0]])
        found = find_neighbours(vectors, ["tbt", "$x^", "c", "d", "e"], ["tbt"], k=10)
        # A hashtag that was never learned is near to none.
        assert found == {"tbt": [("c", pytest.approx(0.6)), ("$x^", 0), ("d", -1)]}
