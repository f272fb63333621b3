import subprocess
import sys
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from figure_texts import svg_of, texts_of
from PIL import Image

from tagkeras import report as reporting
from tagkeras.cli.errors import UserError
from tagkeras.report import plotting
from tagkeras.report.figures import palette
from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import label_of, looks_of
from tagkeras.report.figures.overall_metrics import draw_overall_metrics
from tagkeras.report.figures.text import compact, percent, shown, shown_tag


def make_figure(names=("bilinear", "multiplicative")):
    values = {name: Estimate(0.2 + 0.1 * n, 0.19, 0.42) for n, name in enumerate(names)}
    return draw_overall_metrics({"P@1": values}, title="Some <b>title</b> & more")


class TestSave:
    def test_writes_a_picture_and_a_drawing(self, tmp_path):
        path = plotting.save(make_figure(), tmp_path / "figures", "overall", "dots")

        assert path == tmp_path / "figures" / "overall.png"
        assert sorted(p.name for p in path.parent.iterdir()) == ["overall.png", "overall.svg"]
        with Image.open(path) as picture:
            assert picture.width == round(plotting.WIDTH * 200)
            assert picture.convert("RGB").getpixel((2, picture.height - 3)) == (255, 255, 255)
            assert picture.text["Description"] == "dots"
            assert "Software" not in picture.text
        root = ElementTree.parse(path.with_suffix(".svg")).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.attrib["width"] == "374.4pt"
        text = path.with_suffix(".svg").read_text()
        assert "var(" not in text
        assert "currentColor" not in text
        assert "<date" not in text

    def test_same_figure_same_bytes(self, tmp_path):
        for folder in ("one", "other"):
            plotting.save(make_figure(), tmp_path / folder, "a", "dots")
        for suffix in ("png", "svg"):
            one, other = (tmp_path / f / f"a.{suffix}" for f in ("one", "other"))
            assert one.read_bytes() == other.read_bytes()
        assert plotting.inline_svg(make_figure(), "a", "d") == plotting.inline_svg(
            make_figure(), "a", "d"
        )


class TestInlineSvg:
    def test_is_an_element_for_a_page(self):
        text = plotting.inline_svg(make_figure(), "overall", "Dots & whiskers")
        root = ElementTree.fromstring(text)

        assert text.startswith("<svg ")
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "overall-title overall-desc"
        assert root.find("title").text == "Some <b>title</b> & more"
        assert root.find("desc").text == "Dots & whiskers"
        assert root.get("viewBox").startswith("0 0 374.4 ")
        assert root.get("width") is None
        assert root.get("class") == "figure"
        assert not list(root.iter("style"))
        assert not list(root.iter("metadata"))

    def test_has_the_colours_and_the_font_of_the_page(self):
        text = plotting.inline_svg(make_figure(), "overall", "d")

        assert "fill: currentColor" in text
        assert palette.INK not in text
        assert f"var(--figure-vermilion, {palette.VERMILION})" in text
        assert "var(--figure-font" in text
        assert "DejaVu" not in text
        for name, dark in palette.DARK.values():
            assert f"--figure-{name}: {dark};" in plotting.FIGURE_CSS

    def test_ids_of_several_figures_differ(self):
        ids = []
        for name in ("one", "other"):
            root = svg_of(make_figure(), name)
            own = [element.get("id") for element in root.iter() if element.get("id")]
            assert len(set(own)) == len(own)
            assert all(given.startswith(f"{name}-") for given in own)
            for element in root.iter("use"):
                assert element.get("href")[1:] in own
            ids += own
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("name", ["", "a b", "a.b", "1a", 'a"'])
    def test_refuses_a_name_that_is_no_id(self, name):
        with pytest.raises(ValueError, match="letters, digits"):
            plotting.inline_svg(make_figure(), name, "d")


class TestStyle:
    def test_leaves_the_settings_of_the_program_alone(self):
        with mpl.rc_context(
            {"lines.linewidth": 77, "text.color": "#123456", "svg.fonttype": "path"}
        ):
            before = dict(mpl.rcParams)
            text = plotting.inline_svg(make_figure(), "a", "d")
            assert dict(mpl.rcParams) == before
        assert "77" not in {value for value in text.split() if value.startswith("stroke-width")}
        assert "#123456" not in text
        assert "<text" in text

    def test_needs_no_pyplot(self):
        program = (
            "import sys; from tagkeras.report.figures import overall_metrics, user_maps;"
            " sys.exit('matplotlib.pyplot' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

    def test_any_text_is_drawn_as_it_is_and_without_warnings(self, tmp_path):
        names = ("$x^", "a$b$_c", "😀party", "صورة", "写真", "<&>", "back\\slash{", "%d")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = make_figure(names)
            plotting.save(figure, tmp_path, "names", "d")
            texts = texts_of(figure)
        assert set(names) <= set(texts)

    def test_characters_that_xml_forbids_are_replaced(self):
        assert "a b" in texts_of(make_figure(["a\x00b"]))


class TestHead:
    def test_grows_by_title_legend_and_note(self):
        heights = []
        handles = legend_handles(list(looks_of(["bilinear", "multiplicative"]).values()))
        for arguments in (("Title",), ("Title", handles), ("Title", handles, "A note. " * 20)):
            figure = plotting.new_figure(2.0)
            set_head(figure, *arguments)
            heights.append(figure.get_figheight())
        assert 2.0 < heights[0] < heights[1] < heights[2]

    def test_a_long_title_and_legend_stay_within_the_figure(self):
        figure = plotting.new_figure(2.0)
        figure.subplots()
        names = [f"multiplicative-d{d}-k100-seed0" for d in (64, 128, 256, 512)]
        set_head(
            figure, "A title of many words " * 6, legend_handles(list(looks_of(names).values()))
        )
        figure.draw_without_rendering()
        for artist in (*figure.legends, figure._suptitle):
            box = artist.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y0 >= figure.axes[0].get_window_extent().y1


class TestLooks:
    def test_a_model_looks_the_same_everywhere(self):
        one, other = looks_of(["bilinear"]), looks_of(["oracle", "multiplicative", "bilinear"])
        assert one["bilinear"] == other["bilinear"]
        assert label_of("user_biased") == "user-biased"

    def test_runs_of_a_model_share_its_colour_alone(self):
        names = [f"multiplicative-d{d}" for d in (64, 128, 256)]
        looks = looks_of(names)
        assert {look.color for look in looks.values()} == {palette.VERMILION}
        assert len({look.marker for look in looks.values()}) == 3
        assert [look.label for look in looks.values()] == names

    def test_the_longest_known_name_decides(self):
        looks = looks_of(["oracle_user_only", "oracle", "oracle_user_only/natural"])
        assert looks["oracle_user_only"].marker == ">"
        assert looks["oracle"].marker == "*"

    def test_no_two_series_look_the_same(self):
        names = ["bilinear", "user_biased", "multiplicative", "mine", "yours", "bilinear-2"]
        looks = looks_of(names).values()
        assert len({(look.color, look.marker) for look in looks}) == len(names)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0"), (950, "950"), (1200, "1.2k"), (35_000, "35k"), (4.6e6, "4.6M")]
)
def test_compact(number, words):
    assert compact(number) == words


def test_shown_cuts_between_characters():
    assert shown("abc", 3) == "abc"
    assert shown("abcd", 3) == "ab…"
    # A base letter and its accent stay together, and so does a family of joined emoji.
    assert shown("ae\u0301xyz", 3) == "a…"
    assert shown("a👩\u200d👧bcd", 4) == "a…"
    assert shown_tag("x" * 50, 10) == "#" + "x" * 8 + "…"
    assert percent(0.1234) == "12.3%"


@pytest.mark.parametrize(("low", "high"), [(0.1, None), (None, 0.1), (0.3, 0.2)])
def test_an_interval_has_two_ends_in_order(low, high):
    with pytest.raises(ValueError, match="interval"):
        Estimate(0.2, low, high)


def test_names_the_missing_package(monkeypatch):
    monkeypatch.setattr(
        reporting.importlib.util, "find_spec", lambda name: None if name == "sklearn" else name
    )
    with pytest.raises(
        UserError, match=r"scikit-learn.*pip install -c constraints.txt '\.\[report\]'"
    ):
        reporting.check_installed()
