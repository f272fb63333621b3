"""The page in a real browser: opened from a file, on phones and desks, by day and by night."""

import pytest
from evaluated_runs import write_kinds, write_posts, write_runs

from tagkeras.cli import commandline
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.report.config import Config
from tagkeras.report.page import write_report

pytestmark = pytest.mark.slow

WIDTHS = (390, 1440)
THEMES = ("light", "dark")
# Relative luminance and contrast as WCAG 2 defines them, over every element with text of its own.
LOWEST_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  let worst = {contrast: 21};
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || element.closest("svg, script, style") || !element.checkVisibility()) continue;
    const [a, b] = [rgba(getComputedStyle(element).color), behind(element)].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst.contrast) worst = {contrast, text: element.textContent.slice(0, 60)};
  }
  return worst;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = write_runs(tmp_path_factory.mktemp("world"))
    tags = Vocabulary.load(folder / "dataset" / "vocabulary.tsv").tags
    posts = write_posts(folder / "posts.jsonl", [f"test{row}" for row in range(40)])
    options = [
        f"--posts={posts}",
        f"--hashtag_kinds={write_kinds(folder / 'hashtags.tsv', tags)}",
        f"--output={folder / 'report'}",
        "--samples=3",
    ]
    runs = [str(folder / "eval" / model) for model in ("multiplicative", "bilinear", "user_biased")]
    return write_report(commandline.parse(Config, [f"--run={runs[0]}", *options, *runs[1:]]))


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page; whatever it complains of or asks for is in `page.trouble`."""
    contexts = []

    def open_one(width, theme, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **options
        )
        contexts.append(context)
        page, trouble = context.new_page(), []
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (trouble.append("a dialog"), dialog.dismiss()))

        def answer(route):
            if route.request.url == page_file.as_uri():
                route.continue_()
            else:
                trouble.append(f"request: {route.request.url}")
                route.abort()

        page.route("**/*", answer)
        page.goto(page_file.as_uri())
        page.trouble = trouble
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page(open_page, width, theme):
    page = open_page(width, theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.body.scrollWidth") <= width
    worst = page.evaluate(LOWEST_CONTRAST)
    assert worst["contrast"] >= 4.5, worst
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    figures = page.locator("figure svg.figure")
    assert figures.count() >= 10
    for figure in figures.all():
        box = figure.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for picture in page.locator("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth") == 40
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.trouble == []


def test_a_desktop_has_two_columns(open_page):
    page = open_page(1440, "light")
    one, other = (figure.bounding_box() for figure in page.locator("#tags figure").all()[:2])
    assert one["y"] == other["y"]
    assert one["x"] + one["width"] < other["x"]


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_chosen_and_remembered(open_page):
    page = open_page(1280, "light")
    light = background(page)
    page.click("#theme")
    dark = background(page)
    assert dark != light
    page.reload(wait_until="commit")
    page.wait_for_selector("#theme")
    assert background(page) == dark
    page.click("#theme")
    assert background(page) == light
    assert page.trouble == []
    assert background(open_page(1280, "dark")) == dark


def test_without_scripts_there_is_all_but_the_button(open_page):
    page = open_page(1280, "dark", java_script_enabled=False)
    assert not page.locator("#theme").is_visible()
    assert page.locator("#results table").first.is_visible()
    assert page.locator("nav a").count() == page.locator("main section[id]").count()


def test_links_of_the_bar_lead_below_it(open_page):
    page = open_page(390, "light")
    page.click('nav a[href="#groups"]')
    bar = page.locator(".bar").bounding_box()
    title = page.locator("#groups-title").bounding_box()
    assert bar["y"] == 0
    assert bar["height"] <= title["y"] < 900


def test_print(open_page):
    """On paper there is no bar, and what was folded is there."""
    page = open_page(1280, "dark")
    page.emulate_media(media="print")
    assert not page.locator(".bar").is_visible()
    assert background(page) == "rgb(255, 255, 255)"
    assert len(page.pdf()) > 10_000
    folded = page.locator("details svg.figure").first.bounding_box()
    assert folded["height"] > 100
