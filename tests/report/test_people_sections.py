"""Groups of people, the map of the users, and how training went."""

import numpy as np
import pytest
from evaluated_runs import make_page, start_run
from scipy.stats import spearmanr
from tiny_dataset import write_dataset
from told_dataset import tell_more

from tagkeras.cli.errors import UserError
from tagkeras.report import style
from tagkeras.report.drawing import Estimate
from tagkeras.report.inputs import Omitted
from tagkeras.report.sections import users
from tagkeras.report.sections.groups import group_rows
from tagkeras.report.sections.training import draw_training_curves, read_history


def group(name, posts, value):
    interval = [value - 0.1, value + 0.1]
    return {"group": name, "posts": posts, "R@10": value, "intervals": {"R@10": interval}}


class TestGroups:
    def test_a_row_for_each_group_and_an_estimate_for_each_run(self):
        one = [group("female", 1234, 0.3), group("unknown", 7, 0.1), group("male", 20, 0.5)]
        rows = group_rows({"bilinear": one, "mine": one[:1]}, "R@10")
        assert [row.label for row in rows] == ["female (1.23k)", "male (20)", "unknown (7)"]
        estimate = Estimate(0.3, [pytest.approx(0.2), pytest.approx(0.4)])
        assert rows[0].estimates == {"bilinear": estimate, "mine": estimate}
        assert list(rows[1].estimates) == ["bilinear"]

    def test_small_groups_of_many_are_one_row(self):
        groups = [group(f"C{number}", 100 - number, 0.5) for number in range(15)]
        groups += [group("X", 3, 0.2), group("Y", 1, 0.6), group("unknown", 9, 0.4)]
        rows = group_rows({"bilinear": groups}, "R@10")
        assert len(rows) == 17
        assert rows[15].label == "2 others (4)"
        # A mean over posts: 3 with 0.2 and 1 with 0.6.
        assert rows[15].estimates == {"bilinear": Estimate(pytest.approx(0.3))}
        assert rows[16].label == "unknown (9)"


class TestFactsThatTell:
    """Of a dataset whose users tell a country, a camera and followers, and nothing else."""

    @pytest.fixture(scope="class")
    def page(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("told")
        dataset = tell_more(write_dataset(folder / "dataset", posts=200, people=12, test=120))
        start_run(dataset, folder / "run", model="multiplicative", epochs=1)
        page = make_page(f"--run={folder / 'run'}", f"--output={folder}", f"--data={dataset}")
        return page, {path.stem for path in (folder / "figures").iterdir()}

    def test_only_they_are_shown(self, page):
        page, figures = page
        assert {"users-country", "users-camera"} == {n for n in figures if n.startswith("users-")}
        groups = {name for name in figures if name.startswith("groups-")}
        assert groups == {"groups-natural-country", "groups-natural-camera"}
        assert "Other values of country" in page.words
        assert "Other values of camera" in page.words
        for absent in ("Other ages", "Other cities", "rank correlation between the length"):
            assert absent not in page.words

    def test_the_others_are_named(self, page):
        note = "Not shown: age, gender and home town. Training posts say the same or nothing of it"
        assert page[0].words.count(note) == 3
        assert "Had nothing been told of the users, multiplicative would have P@1" in page[0].words

    def test_a_model_that_ignores_all_has_no_such_sections(self, tmp_path, undrawn):
        nothing = ("age", "gender", "country", "place", "camera", "followers")
        dataset = write_dataset(tmp_path / "dataset", posts=60, people=12, test=60)
        tell_more(dataset, masked=nothing)
        start_run(dataset, tmp_path / "run", model="multiplicative", epochs=1)
        page = make_page(f"--run={tmp_path / 'run'}", f"--output={tmp_path}", f"--data={dataset}")
        assert not {"people", "users", "groups"} & set(page.ids)
        assert page.words.count("training posts tell no users apart") == 2
        assert "the posts say nothing that would divide their users into groups" in page.words


class TestMap:
    def test_alike_users_lie_together_and_the_map_is_the_same_each_time(self):
        vectors = np.random.default_rng(1).normal(0, 0.1, (60, 24))
        vectors[30:, 0] += 5
        kinds = np.array(["a"] * 30 + ["b"] * 30, object)
        points = users.map_users(vectors)
        assert points.shape == (60, 2)
        assert points.dtype == np.float32
        np.testing.assert_array_equal(points, users.map_users(vectors))
        assert users.neighbour_visibility(points, kinds)["share"] > 0.99

    @pytest.mark.parametrize(
        "vectors", [np.eye(4, 24), np.zeros((0, 24)), np.ones((9, 24)), np.full((9, 24), np.nan)]
    )
    def test_what_has_no_map(self, vectors):
        with pytest.raises(Omitted, match="five users or more"):
            users.map_users(vectors)

    def test_norms_by_age(self):
        rng = np.random.default_rng(0)
        vectors, age = rng.normal(size=(50, 2)), rng.uniform(14, 80, 50)
        age[::7] = np.nan
        known = np.isfinite(age)
        found = users.norm_by_age(vectors, age)
        expected = spearmanr(np.linalg.norm(vectors[known], axis=1), age[known]).statistic
        assert found["value"] == pytest.approx(expected)
        assert found["low"] < found["value"] < found["high"]
        assert found["users"] == known.sum()
        assert users.norm_by_age(vectors, np.full(50, np.nan)) is None

    def test_visibility_by_hand(self):
        points = np.array([[0.0, 0], [1, 0], [2.5, 0], [10, 0], [11, 0], [99, 0]])
        values = np.array(["a", "a", "b", "b", "b", ""], object)
        # Nearest: 0 -> 1 yes, 1 -> 0 yes, 2 -> 1 no, 3 -> 4 yes, 4 -> 3 yes.
        # By chance: (2 * 1 + 3 * 2) / 5 / 4.
        found = users.neighbour_visibility(points, values, k=1)
        assert found == pytest.approx({"share": 0.8, "expected": 0.4, "users": 5})

    def test_names_of_places(self):
        places = [(51.6, -0.1), (51.51, -1.5), (np.nan, 3.0), (0.0, 179.5), (-70.0, -30.0)]
        expected = ["London", "51.5N 1.5W", "", "0.0N 179.5E", "70.0S 30.0W"]
        assert [users.name_place(*place) for place in places] == expected


class TestDrawnMap:
    def test_the_most_common_values_have_colours_and_shapes_the_rest_is_grey(self, texts_of):
        common = [value for number, value in enumerate("abcdefgh") for _ in range(9 - number)]
        values = np.array([*common, "i", *[""] * 3], object)
        points = np.random.default_rng(0).normal(size=(len(values), 2))
        figure = users.draw_users(points, values, "country")
        (axes,) = figure.axes
        drawn = {(ln.get_color(), ln.get_marker()): len(ln.get_xdata()) for ln in axes.lines}
        assert drawn[style.BLUE, "o"] == 9
        assert drawn[style.BROWN, "*"] == 2
        assert drawn[style.UNKNOWN, "."] == 1
        assert drawn[style.UNKNOWN, "x"] == 3
        assert {"Users by country", "a (9)", "others (1)", "unknown (3)"} <= set(texts_of(figure))


class TestTraining:
    HISTORY = """epoch,loss,val_A@10,val_P@1,val_R@10,learning_rate
1,0.9,0.5,0.1,0.3,0.1
2,0.7,0.6,0.2,0.4,0.1
"""

    def test_curves_of_a_history(self, tmp_path, texts_of):
        (tmp_path / "history.csv").write_text(self.HISTORY)
        history = read_history(tmp_path / "history.csv")
        np.testing.assert_array_equal(history["val_P@1"], [0.1, 0.2])
        figure = draw_training_curves({"bilinear": history, "multiplicative": history})
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert titles == ["loss", "validation P@1", "validation R@10", "validation A@10"]
        assert all(len(axes.lines) == 2 for axes in figure.axes)
        np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), [0.3, 0.4])
        assert {"bilinear", "multiplicative", "epoch", "loss"} <= set(texts_of(figure))

    @pytest.mark.parametrize("text", ["", "epoch,loss\n1\n", "epoch,loss\n1,x\n", "loss\n1\n"])
    def test_a_damaged_history(self, tmp_path, text):
        (tmp_path / "history.csv").write_text(text)
        with pytest.raises(UserError, match="history.csv is damaged"):
            read_history(tmp_path / "history.csv")
