import numpy as np
import pyarrow as pa
import pytest
from figure_texts import lines_with_marker, texts_of
from hypothesis import given
from hypothesis import strategies as st

from beam.preprocess.make_manifest import histogram
from tagkeras.report.figures.precision_recall import (
    PrecisionRecallCurve,
    curves_of_tags,
    draw_precision_recall,
)
from tagkeras.report.figures.tag_frequency import draw_tag_frequency, tag_histogram
from tagkeras.report.figures.tag_groups import select_tag_groups
from tagkeras.report.figures.tag_recall import draw_group_recall, draw_tag_recall

#          most frequent ... least
TAGS = ["tbt", "love", "ball", "cat", "rare", "gone"]
COUNTS = [90, 80, 50, 50, 9, 5]
TRUTH = [40, 30, 20, 10, 2, 0]


def table(recall, truth=TRUTH):
    return pa.table(
        {
            "id": pa.array(range(len(TAGS)), pa.int64()),
            "tag": TAGS,
            "count": pa.array(COUNTS, pa.int64()),
            "truth": pa.array(truth, pa.int64()),
            "recall@10": pa.array(recall, pa.float64()),
        }
    )


def tables():
    return {
        "bilinear": table([0.5, 0.1, 0.3, 0.5, 1.0, None]),
        "user_biased": table([0.5, 0.2, 0.3, 0.5, 1.0, None]),
        "multiplicative": table([0.4, 0.3, 0.7, 0.7, 1.0, None]),
    }


class TestTagGroups:
    def test_chooses_three_groups(self):
        frequent, best, gains = select_tag_groups(tables(), size=2, min_posts=10)

        assert (frequent.key, frequent.tags) == ("frequent", ("tbt", "love"))
        # tbt and cat tie: the more frequent first; rare would be best, but has two posts.
        assert (best.key, best.tags) == ("bilinear_best", ("tbt", "cat"))
        # Gains are -0.1, 0.2, 0.4, 0.2: love before cat, as it is more frequent.
        assert (gains.key, gains.tags) == ("multiplicative_gains", ("ball", "love"))
        np.testing.assert_array_equal(gains.ids, [2, 1])
        np.testing.assert_array_equal(gains.posts, [20, 30])
        np.testing.assert_allclose(gains.recall["user_biased"], [0.3, 0.2])
        assert gains.means == pytest.approx(
            {"bilinear": 0.2, "user_biased": 0.25, "multiplicative": 0.5}
        )

    def test_a_group_is_smaller_where_fewer_qualify(self):
        frequent, best, gains = select_tag_groups(tables(), size=20, min_posts=1)
        assert frequent.tags == ("tbt", "love", "ball", "cat", "rare")
        assert best.tags[0] == "rare"
        assert gains.tags == ("ball", "love", "cat")

    def test_refuses_what_cannot_be_compared(self):
        with pytest.raises(ValueError, match="need an evaluation of multiplicative"):
            select_tag_groups({"bilinear": tables()["bilinear"]})
        with pytest.raises(ValueError, match="of different posts"):
            select_tag_groups({**tables(), "other": table([0.0] * 6, truth=[1] * 6)})
        with pytest.raises(ValueError, match=r"no recall@5"):
            select_tag_groups(tables(), k=5)
        with pytest.raises(ValueError, match="no hashtag is on 41 posts"):
            select_tag_groups(tables(), min_posts=41)
        with pytest.raises(ValueError, match="recalls no hashtag of 40 posts better"):
            select_tag_groups(tables(), min_posts=40)


class TestTagRecall:
    def test_a_bar_a_model_and_tag(self):
        group = select_tag_groups(tables(), size=4)[0]
        figure = draw_tag_recall(group)
        (axes,) = figure.axes

        assert len(axes.patches) == 3 * 4
        assert [bar.get_width() for bar in axes.patches[:4]] == [0.5, 0.1, 0.3, 0.5]
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            "#tbt", "#love", "#ball", "#cat",
        ]  # fmt: skip
        # The first tag stands at the top, its bars in the order of the models.
        assert axes.yaxis_inverted()
        first = [bar.get_y() for bar in axes.patches[::4]]
        assert first == sorted(first)
        assert axes.get_xlim()[0] == 0
        assert {"Recall@10 of the most frequent hashtags", "posts", "40"} <= set(texts_of(figure))

    def test_means_of_groups(self):
        figure = draw_group_recall(select_tag_groups(tables(), size=2))
        assert len(figure.axes) == 3
        assert [bar.get_width() for bar in figure.axes[2].patches] == pytest.approx(
            [0.2, 0.25, 0.5]
        )
        assert len({axes.get_xlim() for axes in figure.axes}) == 1
        assert "2 hashtags where multiplicative gains most" in texts_of(figure)

    def test_refuses_nothing(self):
        with pytest.raises(ValueError, match="no groups of hashtags"):
            draw_group_recall([])


class TestPrecisionRecall:
    def test_takes_curves_out_of_evaluations(self):
        columns = {
            "tag": ["a", "b"],
            "average_precision": [0.5, None],
            "curve_recall": pa.array([[0.5, 1.0], None], pa.list_(pa.float64())),
            "curve_precision": pa.array([[1.0, 0.5], None], pa.list_(pa.float64())),
        }
        curves = curves_of_tags({"bilinear": pa.table(columns)}, ["b", "a", "absent"])
        assert list(curves) == ["b", "a", "absent"]
        assert curves["b"] == {}
        assert curves["absent"] == {}
        assert curves["a"]["bilinear"].average_precision == 0.5
        np.testing.assert_array_equal(curves["a"]["bilinear"].recall, [0.5, 1.0])

    def test_a_panel_a_tag_and_a_line_a_model(self):
        curve = PrecisionRecallCurve(np.array([0.5, 1.0]), np.array([1.0, 0.4]), 0.7)
        models = {"bilinear": curve, "multiplicative": curve}
        figure = draw_precision_recall({"$x^": models, "😀صورة": models, "c": {"bilinear": curve}})

        assert [len(axes.lines) for axes in figure.axes] == [2, 2, 1, 0]
        assert not figure.axes[3].get_visible()
        np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [0, 0.5, 1])
        np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), [1, 1, 0.4])
        texts = texts_of(figure)
        assert {"#$x^", "#😀صورة", "#c", "precision", "recall"} <= set(texts)
        assert texts.count("70.0%") == 5

    def test_refuses_nothing_and_halves(self):
        with pytest.raises(ValueError, match="no hashtags"):
            draw_precision_recall({})
        with pytest.raises(ValueError, match="no precision-recall curve of 'a'"):
            draw_precision_recall({"a": {}})
        with pytest.raises(ValueError, match="lengths differ"):
            half = PrecisionRecallCurve(np.array([0.5, 1.0]), np.array([1.0]), 0.7)
            draw_precision_recall({"a": {"bilinear": half}})


class TestTagFrequency:
    @given(st.lists(st.integers(0, 5000), min_size=1))
    def test_bins_are_those_of_a_manifest(self, counts):
        assert tag_histogram(np.array(counts)) == histogram(np.array(counts))

    def test_draws_both_distributions(self):
        figure = draw_tag_frequency(
            {
                "natural": {"0": 0, "1": 3, "2-3": 2, "4-7": 1},
                "balanced": {"0": 2, "1": 3, "2-3": 1},
            }
        )
        top, bottom = figure.axes

        # The natural one filled and outlined, the balanced one outlined.
        assert len(top.patches) == 3
        np.testing.assert_array_equal(top.patches[1].get_data().values, [3, 2, 1])
        np.testing.assert_array_equal(top.patches[1].get_data().edges, [1, 2, 4, 8])
        np.testing.assert_array_equal(lines_with_marker(bottom, "o")[0].get_ydata(), [6, 3, 1])
        np.testing.assert_array_equal(lines_with_marker(bottom, "s")[0].get_ydata(), [4, 1])
        assert {"natural", "balanced (2 on none)"} <= set(texts_of(figure))

    def test_draws_few_and_many(self):
        draw_tag_frequency({"natural": tag_histogram(np.array([1]))})
        texts = texts_of(draw_tag_frequency({"natural": tag_histogram(np.array([1, 2_000_000]))}))
        assert {"1", "1k", "1M"} <= set(texts)

    def test_refuses_nothing_and_strange_bins(self):
        for nothing in ({}, {"natural": {}}, {"natural": {"0": 4}}):
            with pytest.raises(ValueError, match="no hashtags to draw"):
                draw_tag_frequency(nothing)
        with pytest.raises(ValueError, match="'many' is no bin"):
            draw_tag_frequency({"natural": {"many": 1}})
        with pytest.raises(ValueError, match="does not follow"):
            draw_tag_frequency({"natural": {"1": 1, "4-7": 1}})
