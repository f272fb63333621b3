"""The page of `serving.demo` in a real browser, with a real server behind it.

The model is the small one of the helpers: it scores football 0.3, soccer 0.2, dog 0.1, sunset 0.0
and tbt -0.1; GB adds 1 to football, US 1 to soccer, a photo its brightness to sunset and a known
age a hundredth of it to tbt. It answers the best three.
"""

import base64
import re
import threading

import pytest
from demo_process import Demo
from serving_helpers import WAIT, free_port, photo, save_hashtag_model

from serving import Hashtag, Prediction, ServerProcess
from serving.client.answers import ServedFact
from serving.demo import application
from serving.demo.photos import Photos
from serving.demo.questions import Questions

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=WAIT * 1000)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REFUSED = re.compile(r"status of (400|404|415|503)|ERR_FAILED")  # what tests bring about
WHITE = "Example photo 2"  # black.png is the first
LONDON = "Woman, 20, London, United Kingdom"
GIVE = """(target, [kind, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  const options = {bubbles: true, cancelable: true};
  target.dispatchEvent(
    kind === "drop"
      ? new DragEvent("drop", {...options, dataTransfer: transfer})
      : new ClipboardEvent("paste", {...options, clipboardData: transfer}));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The model server, always at the same port."""
    base = tmp_path_factory.mktemp("models") / "tags"
    save_hashtag_model(base, 1)
    with ServerProcess(port=free_port(), model_name="tags", model_base_path=base) as server:
        yield server


@pytest.fixture(scope="module")
def demo(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    gallery = folder / "photos"
    gallery.mkdir()
    (gallery / "black.png").write_bytes(photo(0, 64))
    (gallery / "white.png").write_bytes(photo(255, 64))
    demo = Demo(
        folder,
        server=server.endpoint,
        model_name="tags",
        timeout=WAIT,
        photos=gallery,
        title="Tags <of> two",
        root_path="/demo",
    )
    yield demo
    assert demo.stop() == (0, "", "")
    assert not demo.connections.exists(), demo.connections.read_text()


@pytest.fixture
def open_page(browser, demo):
    """Opens the page; whatever it complains of or asks others for is in `page.trouble`."""
    contexts = []

    def open_one(width=1280, theme="light", path="/"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=width < 600
        )
        contexts.append(context)
        page, page.trouble = context.new_page(), []
        page.set_default_timeout(WAIT * 1000)
        page.on(
            "console",
            lambda message: REFUSED.search(message.text) or page.trouble.append(message.text),
        )
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((f"{demo.url}{path}", "data:", "blob:"))
                or page.trouble.append(f"request: {request.url}")
            ),
        )
        page.goto(demo.url + path)
        expect_tags(page, 1, "football", "soccer", "tbt|dog")  # 1.3, 0.2, 0.1 twice
        expect_tags(page, 2, "soccer", "tbt", "football")  # 1.2, 0.5, 0.3
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page):
    page = open_page()
    yield page
    assert page.trouble == []


def person(page, number):
    return page.get_by_role("group", name=["First person", "Second person"][number - 1])


def expect_tags(page, number, *expected):
    tags = page.locator(f".person-{number} .tag .name")
    try:
        expect(tags).to_have_text([re.compile(f"^#{tag}(,|$)") for tag in expected])
    except AssertionError as error:
        error.add_note(f"The page says:\n{page.locator('body').inner_text()}")
        raise


def choose(page, number, label, option):
    person(page, number).get_by_label(label, exact=True).select_option(option)


def upload(page, data, name="mine.png"):
    files = {"name": name, "mimeType": "image/png", "buffer": data}
    page.get_by_label("Choose a photo").set_input_files(files)


def click_map(page, number, latitude, longitude):
    """The picture is 360 degrees wide and 141 high, from 84 N."""
    world = page.locator(f".person-{number} svg.world")
    world.scroll_into_view_if_needed()
    box = world.bounding_box()
    x, y = (longitude + 180) / 360 * box["width"], (84 - latitude) / 141 * box["height"]
    world.click(position={"x": x, "y": y})


@pytest.mark.parametrize("path", ["/", "/demo/"])
def test_at_first_two_people_differ(open_page, path):
    page = open_page(path=path)
    expect(page).to_have_title("Tags <of> two")
    expect(page.locator("h1")).to_have_text("Tags <of> two")
    expect(page.locator(".person-1 .who")).to_have_text(LONDON)
    only = page.locator(".person-2 .tag.only .name")
    expect(only).to_have_text(re.compile("#(tbt|dog), only for this person"))
    status = page.get_by_role("status")
    expect(status).to_contain_text("Answered by tags, version 1, at localhost")
    expect(status).to_contain_text("First person: football, soccer, ")
    expect(status).to_contain_text("Second person: soccer, tbt, football.")
    assert page.trouble == []


def test_hashtags_follow_the_controls(page):
    first = person(page, 1)
    choose(page, 1, "Country", "United States")
    expect_tags(page, 1, "soccer", "football", "tbt|dog")
    expect(first.get_by_label("City", exact=True)).to_have_value("")
    expect(first.locator(".marker")).not_to_be_visible()
    choose(page, 1, "City", "Manchester")
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(first.get_by_label("Country", exact=True)).to_have_value("GB")
    expect(first.locator(".marker")).to_be_visible()

    age = first.get_by_label("Age", exact=True)
    age.fill("90")
    expect_tags(page, 1, "football", "tbt", "soccer")  # 1.3, 0.8, 0.2
    age.fill("")
    expect_tags(page, 1, "football", "soccer", "dog")
    expect(first.locator(".who")).to_have_text("Woman, Manchester, United Kingdom")
    first.get_by_label("Age, as a slider").press("ArrowLeft")
    expect(first.get_by_label("Age known")).to_be_checked()
    expect_tags(page, 1, "football", "tbt", "soccer")  # 89 years
    age.fill("999")
    expect(page.get_by_role("alert")).to_contain_text("0 to 150")

    first.get_by_role("button", name="Nothing known").click()
    expect_tags(page, 1, "football", "soccer", "dog")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect_tags(page, 2, "soccer", "tbt", "football")  # the other one has not changed
    first.get_by_label("male", exact=True).check()
    expect(first.locator(".who")).to_have_text("Man")


def test_the_map(page):
    second = person(page, 2)
    country, city = (second.get_by_label(name, exact=True) for name in ("Country", "City"))
    who = second.locator(".who")
    click_map(page, 2, 51.5, 0)
    expect_tags(page, 2, "football", "tbt", "soccer")
    expect(country).to_have_value("GB")
    expect(city).to_have_value("London")
    expect(second.locator("[aria-live]")).to_have_text("London, United Kingdom")

    click_map(page, 2, -5, -62)  # the Amazon, far from every city of the list
    expect(country).to_have_value("BR")
    expect(city).to_have_value("")
    expect(who).to_have_text(re.compile(r"° S 6\d\.\d° W, Brazil"))
    expect_tags(page, 2, "tbt", "football", "soccer")  # 0.5, 0.3, 0.2

    second.get_by_role("application", name=re.compile("^Home on a map")).focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")  # 20 degrees west: the Pacific
    expect(country).to_have_value("")
    expect(who).to_have_text(re.compile(r"° S 8\d\.\d° W$"))


def test_photos_are_chosen_sent_dropped_and_pasted(page):
    pressed = page.locator("#gallery [aria-pressed=true]")
    page.get_by_role("button", name=WHITE).press("Enter")
    expect_tags(page, 1, "football", "sunset", "soccer")
    expect(pressed).to_have_accessible_name(WHITE)
    upload(page, photo(0, 64))
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(pressed).to_have_count(0)
    for kind in ("drop", "paste"):
        page.get_by_role("button", name="Remove photo").click()
        expect(page.locator(".person-1 .none")).to_contain_text("Choose a photo")
        data = base64.b64encode(photo(255, 64)).decode()
        page.locator("#photo").evaluate(GIVE, [kind, "mine.png", "image/png", data])
        expect_tags(page, 1, "football", "sunset", "soccer")
    shown = page.get_by_alt_text("The photo that is asked about")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64


def test_what_is_no_photo_is_told_and_the_next_one_works(page):
    alert = page.get_by_role("alert")
    for data, words in [
        (photo(size=64)[:60], "not a photo we can read"),  # what only the model finds
        (bytes(20 * 2**20 + 1), "at most 20 MB"),
    ]:
        upload(page, data)
        expect(alert).to_contain_text(words)
        expect(page.locator(".person-1 .none")).to_contain_text("Choose another photo")
        # It is still told when a person changes, without being sent again.
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        person(page, 2).get_by_role("button", name="Nothing known").click()
        expect(page.get_by_role("status")).not_to_have_attribute("aria-busy", "true")
        expect(alert).to_contain_text(words)
        assert asked == []
        page.get_by_role("button", name=WHITE).click()
        expect_tags(page, 1, "football", "sunset", "soccer")
        expect(alert).to_have_count(0)


def test_the_camera(page):
    camera = page.get_by_role("button", name="Camera")
    camera.click()
    expect(page.get_by_role("alert")).to_contain_text("The camera cannot be used")
    page.context.grant_permissions(["camera"])
    camera.click()
    with page.expect_response("**/predict") as answered:
        page.get_by_role("button", name="Take the photo").click()
    assert answered.value.ok
    expect(page.locator("video")).not_to_be_visible()


def test_a_photo_that_is_refused_late_leaves_the_next_one_alone(page):
    held = []
    page.route("**/predict", lambda route: held.append(route), times=1)
    with page.expect_request("**/predict"):
        upload(page, photo(1, 64))
    expect(page.get_by_role("status")).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name=WHITE).click()
    held[0].fulfill(status=415, json={"error": "This is no photo."})
    expect_tags(page, 1, "football", "sunset", "soccer")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("status")).not_to_have_attribute("aria-busy", "true")


def test_a_photo_that_the_page_has_dropped_is_sent_again(page):
    upload(page, photo(255, 64))
    expect_tags(page, 1, "football", "sunset", "soccer")
    page.route("**/predict", lambda route: route.fulfill(status=404, json={}), times=1)
    with page.expect_request("**/photos"):
        choose(page, 1, "Country", "United States")
    expect_tags(page, 1, "soccer", "sunset", "football")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_lost_connection_is_told_and_comes_back_by_itself(page):
    page.route("**/predict", lambda route: route.abort())
    choose(page, 1, "Country", "United States")
    expect(page.get_by_role("alert")).to_contain_text("The connection to this page is lost")
    page.unroute_all()
    expect_tags(page, 1, "soccer", "football", "tbt|dog")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (390, "dark")])
def test_on_a_phone(open_page, width, theme):
    page = open_page(width, theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator("#photo").bounding_box()
    first, second = (page.locator(f".person-{n} .answer").bounding_box() for n in (1, 2))
    assert first["y"] == second["y"] > shown["y"] + shown["height"]
    assert first["x"] + first["width"] <= second["x"]
    parts = "#photo, .tag .name, .tag .score, svg.world, .presets button, select, .age-number"
    for part in page.locator(parts).all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    background = page.evaluate("getComputedStyle(document.querySelector('#photo')).backgroundColor")
    assert (background == "rgb(254, 254, 254)") == (theme == "light")
    assert page.trouble == []


# Last: it takes the server away that the others share.
def test_the_server_goes_and_comes_back(page, server):
    server.stop()
    choose(page, 1, "Country", "United States")
    expect(page.get_by_role("alert")).to_contain_text("no server answers at localhost")
    expect(page.locator(".person-1 .none")).to_contain_text("No hashtags just now")
    server.start()
    choose(page, 1, "Country", "Canada")
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(page.get_by_role("alert")).to_have_count(0)


class ModelOfOwnFacts:
    """Takes a country, a plan and a size; answers with what it is told."""

    def facts(self):
        return [
            ServedFact("gender", is_text=True, tells=False),
            ServedFact("country", is_text=True, values=("GB", "NZ")),
            ServedFact("latitude", is_text=False, tells=False),
            ServedFact("longitude", is_text=False, tells=False),
            ServedFact("plan", is_text=True, values=("free", "paid")),
            ServedFact("size", is_text=False),
        ]

    def predict(self, images, users):
        told = [{n: v for n, v in user.facts.items() if v is not None} for user in users]
        tags = [(Hashtag("-".join(map(str, one.values())) or "nothing", 1.0),) for one in told]
        return [Prediction("tags", 1, one) for one in tags]


def test_facts_of_the_model(browser, tmp_path):
    (tmp_path / "black.png").write_bytes(photo(0, 64))
    asking = Questions(ModelOfOwnFacts())
    app = application.build(asking, Photos([tmp_path / "black.png"]), title="", server="a")
    stopping = threading.Event()
    with application.listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=application.serve, args=(app, listener, stopping))
        thread.start()
        context = browser.new_context()
        page = context.new_page()
        try:
            page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}")
            expect_tags(page, 1, "GB")  # of "She, 20, London"
            expect_tags(page, 2, "nothing")
            card = person(page, 1)
            for hidden in (".gender", ".age", ".town", ".world"):
                expect(card.locator(hidden)).to_be_hidden()
            expect(card.locator(".presets button")).to_have_text(["Nothing known"])
            assert len(card.locator(".country option").all()) == 3
            card.get_by_label("plan").select_option("paid")
            expect_tags(page, 1, "GB-paid")
            card.get_by_label("size").press_sequentially("-1.05")
            expect_tags(page, 1, "GB-paid--1.05")
            expect(card.locator(".who")).to_have_text(
                "Person, United Kingdom, plan paid, size -1.05"
            )
            card.get_by_role("button", name="Nothing known").click()
            expect_tags(page, 1, "nothing")
            expect(card.get_by_label("size")).to_have_value("")
        finally:
            context.close()
            stopping.set()
            thread.join(WAIT)
