import numpy as np
import pytest
from figure_texts import svg_of, texts_of

from tagkeras.report.figures import palette, user_points
from tagkeras.report.figures.places import name_places
from tagkeras.report.figures.user_maps import draw_user_map_by_age, draw_user_map_by_category

LONDON = (51.51, -0.13)


def blobs(per_blob=30, centers=((0, 0), (10, 0), (0, 10), (10, 10))):
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(center, 0.3, (per_blob, 2)) for center in centers])
    return points, np.repeat(np.arange(len(centers)), per_blob)


def drawn(axes):
    """Points of each colour and marker."""
    return {
        (line.get_color(), line.get_marker()): len(line.get_xdata())
        for line in axes.lines
        if len(line.get_xdata())
    }


class TestByAge:
    def test_colours_by_age_and_grey_for_unknown(self):
        age = np.array([19, 20, 29.9, 60, 99, np.nan])
        figure = draw_user_map_by_age(np.arange(12.0).reshape(6, 2), age)
        assert drawn(figure.axes[0]) == {
            (palette.SEQUENCE[0], "o"): 1,
            (palette.SEQUENCE[1], "o"): 2,
            (palette.SEQUENCE[5], "o"): 2,
            (palette.UNKNOWN, "."): 1,
        }
        assert {"under 20 (1)", "60 and over (2)", "unknown (1)"} <= set(texts_of(figure))

    def test_refuses_nothing_and_other_lengths(self):
        with pytest.raises(ValueError, match="no users"):
            draw_user_map_by_age(np.empty((0, 2)), np.empty(0))
        with pytest.raises(ValueError, match=r"2 users need \[2, 2\] points, received \(3, 2\)"):
            draw_user_map_by_age(np.zeros((3, 2)), np.zeros(2))


class TestByCategory:
    def test_the_most_common_have_colours_and_shapes_the_rest_is_grey(self):
        values = ["GB"] * 5 + ["US"] * 4 + ["NZ"] * 2 + ["CA"] + [""] * 3
        points = np.random.default_rng(0).normal(size=(15, 2))
        figure = draw_user_map_by_category(points, values, "country", max_values=2)
        assert drawn(figure.axes[0]) == {
            (palette.BLUE, "o"): 5,
            (palette.VERMILION, "s"): 4,
            (palette.UNKNOWN, "."): 3,
            (palette.UNKNOWN, "x"): 3,
        }
        texts = texts_of(figure)
        legend = ["GB (5)", "US (4)", "others (3)", "unknown (3)"]
        assert [text for text in texts if text in legend] == legend
        assert "Users by country" in texts

    def test_writes_names_beside_their_users_where_they_are_apart(self):
        points, blob = blobs()
        names = ["$x^", "صورة", "leeds", "york"]
        values = [names[number] for number in blob]
        figure = draw_user_map_by_category(points, values, "city")
        (axes,) = figure.axes
        figure.draw_without_rendering()

        assert sorted(text.get_text() for text in axes.texts) == sorted(names)
        boxes = [text.get_window_extent() for text in axes.texts]
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:number])
            assert axes.get_window_extent().contains(box.x0, box.y0)
            assert axes.get_window_extent().contains(box.x1, box.y1)
            pixels = axes.transData.transform(points)
            assert not ((pixels > box.p0) & (pixels < box.p1)).all(axis=1).any()

    def test_writes_no_names_where_users_are_mixed(self):
        points, _ = blobs()
        values = [f"place{number % 6}" for number in range(len(points))]
        assert not draw_user_map_by_category(points, values, "city").axes[0].texts

    def test_many_users_are_pixels(self, monkeypatch):
        monkeypatch.setattr(user_points, "_MAX_SHAPES", 20)
        points, blob = blobs(8)
        svg = svg_of(draw_user_map_by_category(points, [f"b{n}" for n in blob], "blob"))
        assert len(list(svg.iter("image"))) >= 1
        assert len(list(svg.iter("use"))) < 20

    def test_one_user_of_unknown_value(self):
        assert "unknown (1)" in texts_of(draw_user_map_by_category(np.zeros((1, 2)), [""], "city"))

    def test_refuses_more_values_than_colours(self):
        with pytest.raises(ValueError, match="1 to 8, received 9"):
            draw_user_map_by_category(np.zeros((1, 2)), ["a"], "city", max_values=9)


class TestPlaces:
    def test_names_the_nearest_town_within_reach(self):
        location = [(51.6, -0.1), (51.51, -1.5), (39.7, -105.0), (np.nan, 3.0), (0.0, 179.5)]
        assert name_places(np.array(location)) == [
            "London", "51.5N 1.5W", "Denver", "", "0.0N 179.5E",
        ]  # fmt: skip
        assert name_places(np.array([LONDON, (-70.0, -30.0)])) == ["London", "70.0S 30.0W"]

    def test_of_nobody(self):
        assert name_places(np.empty((0, 2))) == []
