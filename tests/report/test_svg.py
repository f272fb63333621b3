import warnings
from xml.etree import ElementTree

from PIL import Image

from tagkeras.report import style
from tagkeras.report.drawing import WIDTH, Estimate, Row, draw_rows
from tagkeras.report.svg import FigureFiles, page_css


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
