import warnings
from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from tagkeras.report import style
from tagkeras.report.drawing import WIDTH, Estimate, Row, draw_rows, legend_entry, set_head
from tagkeras.report.style import series_styles
from tagkeras.report.svg import FigureFiles, page_css


class TestRows:
    def test_a_dot_with_its_interval_and_a_note_for_each_row(self, texts_of):
        rows = [
            Row("frequency baseline", {"frequency_baseline": Estimate(0.137)}, "13.7%"),
            Row("multiplicative", {"multiplicative": Estimate(0.343, (0.33, 0.35))}, "34.3%"),
        ]
        figure = draw_rows({"natural": rows}, title="P@1")
        (axes,) = figure.axes

        assert [label.get_text() for label in axes.get_yticklabels()] == [r.label for r in rows]
        assert axes.yaxis_inverted()
        (whisker,) = [line for line in axes.lines if list(line.get_xdata()) == [0.33, 0.35]]
        assert list(whisker.get_ydata()) == [1, 1]
        assert [line.get_marker() for line in axes.lines].count("o") == 1
        assert not figure.legends
        assert {"13.7%", "34.3%", "natural", "P@1"} <= set(texts_of(figure))

    def test_bars_begin_at_zero_on_one_scale(self, texts_of):
        panels = {
            "natural": [
                Row("a", {"bilinear": Estimate(4.0), "user_biased": Estimate(5.0, (4.9, 5.1))}),
                Row("b", {"bilinear": Estimate(float("nan")), "user_biased": Estimate(3.0)}),
            ],
            "balanced": [Row("a", {"bilinear": Estimate(7.5)})],
        }
        figure = draw_rows(panels, title="Variety", is_fraction=False, bars=True)
        natural, balanced = figure.axes

        assert [bar.get_width() for bar in natural.patches] == [4.0, 5.0, 3.0]
        assert [bar.get_width() for bar in balanced.patches] == [7.5]
        assert natural.get_xlim() == balanced.get_xlim()
        assert natural.get_xlim()[0] == 0
        assert {"bilinear", "user-biased"} <= set(texts_of(figure))


class TestHead:
    def test_a_long_title_and_legend_stay_within_the_figure(self):
        figure = Figure((5.2, 2.0), dpi=72)
        with style.figure_style():
            figure.subplots()
            names = [f"multiplicative-d{d}-k100-seed0" for d in (64, 128, 256, 512)]
            legend = [legend_entry(found) for found in series_styles(names).values()]
            set_head(figure, "A title of many words " * 6, legend)
            figure.draw_without_rendering()
        for artist in (*figure.legends, figure._suptitle):
            box = artist.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y0 >= figure.axes[0].get_window_extent().y1


class TestStyle:
    def test_runs_of_a_model_share_its_colour_alone(self):
        names = [f"multiplicative-d{d}" for d in (64, 128, 256)]
        found = series_styles(names)
        assert {s.color for s in found.values()} == {style.VERMILION}
        assert len({s.marker for s in found.values()}) == len({s.line for s in found.values()}) == 3
        assert [s.label for s in found.values()] == names


def make_figure(names=("bilinear", "multiplicative")):
    rows = [
        Row(name, {name: Estimate(0.2 + 0.1 * number, (0.19, 0.42))})
        for number, name in enumerate(names)
    ]
    return draw_rows({"": rows}, title="Some <b>title</b> & more")


def test_files_on_white(tmp_path):
    FigureFiles(tmp_path).add(make_figure(), "overall")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["overall.png", "overall.svg"]
    with Image.open(tmp_path / "overall.png") as picture:
        assert picture.width == round(WIDTH * 200)
        assert picture.convert("RGB").getpixel((2, picture.height - 3)) == (255, 255, 255)
        assert "Software" not in picture.text
    root = ElementTree.parse(tmp_path / "overall.svg").getroot()
    assert root.attrib["width"] == "374.4pt"
    text = (tmp_path / "overall.svg").read_text()
    assert "Some &lt;b&gt;title&lt;/b&gt; &amp; more</text>" in text
    assert not any(words in text for words in ("var(", "currentColor", "<dc:date"))


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    one, other = (FigureFiles(tmp_path / f).add(make_figure(), "a") for f in ("one", "other"))
    assert one == other
    for name in ("a.png", "a.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_the_element_has_the_colours_and_the_font_of_the_page(tmp_path):
    svg = FigureFiles(tmp_path).add(make_figure(), "overall")
    root = ElementTree.fromstring(svg)
    assert svg.startswith("<svg ")
    assert (root.get("role"), root.get("class")) == ("img", "figure")
    assert root.get("aria-label") == "Some <b>title</b> & more"
    assert "fill: currentColor" in svg
    assert f"var(--cd55e00, {style.VERMILION})" in svg
    assert f"--cd55e00: {style.DARK[style.VERMILION]};" in page_css()


def test_ids_of_several_figures_differ(tmp_path):
    figures, ids = FigureFiles(tmp_path), []
    for name in ("one", "other"):
        root = ElementTree.fromstring(figures.add(make_figure(), name))
        own = [element.get("id") for element in root.iter() if element.get("id")]
        assert all(given.startswith(f"{name}-") for given in own)
        references = [element.get("href")[1:] for element in root.iter("use")]
        clips = {element.get("clip-path") for element in root.iter()} - {None}
        assert set(references) | {clip[5:-1] for clip in clips} <= set(own)
        ids += own
    assert len(set(ids)) == len(ids)


def test_any_text_is_drawn_as_it_is_and_without_warnings(texts_of):
    names = ("$x^", "a$b$_c", "😀party", "صورة", "写真", "<&>", "back\\slash{", "%d")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        texts = texts_of(make_figure(names))
    assert set(names) <= set(texts)
