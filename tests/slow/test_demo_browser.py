"""The page of `serving.demo` in a real browser, with a real server behind it.

The model is the small one of the helpers: version 1 scores football 0.3, soccer 0.2, dog 0.1,
sunset 0.0 and tbt -0.1; GB adds 1 to football, US 1 to soccer, a photo its brightness to sunset and
a known age a hundredth of it to tbt. It answers the best three.
"""

import base64
import re
import signal

import pytest
from demo_page import (
    DROP,
    MILLISECONDS,
    choose,
    clear,
    click_map,
    expect,
    expect_tags,
    tags,
    upload,
)
from demo_process import Demo
from serving_helpers import WAIT, free_port, photo, save_hashtag_model

from serving.server.runner import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# What Gradio's own script says of every upload; the progress of a quick one is asked for too late.
NOISE = re.compile(r"warning: Method not implemented\. \S+/assets/\S+|.* \S+upload_progress\S*")
WHITE = "Example photo 2"  # black.png is the first


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "tags"
    save_hashtag_model(base, 1)
    return base


@pytest.fixture(scope="module")
def ports():
    return {"grpc": free_port(), "rest": free_port()}


@pytest.fixture(scope="module")
def start_server(model, ports):
    running = []

    def start():
        server = ServerProcess(
            port=ports["grpc"],
            rest_api_port=ports["rest"],
            model_name="tags",
            model_base_path=model,
        )
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def server(start_server):
    return start_server()


@pytest.fixture(scope="module", params=["grpc", "rest"])
def demo(request, server, ports, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    examples = folder / "photos"
    examples.mkdir()
    (examples / "black.png").write_bytes(photo(0, 64))
    (examples / "white.png").write_bytes(photo(255, 64))
    scheme = "http://" if request.param == "rest" else ""
    demo = Demo(
        folder,
        server=f"{scheme}localhost:{ports[request.param]}",
        model_name="tags",
        timeout=WAIT,
        photos=examples,
        title="Tags <of> two",
    )
    yield demo
    status, out, err = demo.stop()
    assert (status, out, err) == (0, "", "")
    assert not demo.connections.exists(), demo.connections.read_text()
    assert list(demo.uploads.iterdir()) == []


@pytest.fixture
def open_page(browser, demo):
    """Opens the page; whatever it complains of or asks others for is in `page.trouble`."""
    contexts = []

    def open_one(width=1280, theme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=width < 600
        )
        contexts.append(context)
        page, trouble = context.new_page(), []
        page.set_default_timeout(MILLISECONDS)

        def listen(message):
            line = f"{message.type}: {message.text} {message.location.get('url', '')}"
            if not NOISE.fullmatch(line):
                trouble.append(line)

        page.on("console", listen)
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((f"{demo.url}/", "data:", "blob:"))
                or trouble.append(f"request: {request.url}")
            ),
        )
        page.goto(demo.url)
        page.trouble = trouble
        return page

    yield open_one
    for context in contexts:
        context.close()


def test_at_first_two_people_differ(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect_tags(page, 2, "soccer", "tbt", "football")
    expect(page.locator("h1")).to_have_text("Tags <of> two")
    expect(page.locator(".person-1 .who")).to_have_text("Woman, 20, London, United Kingdom")
    expect(page.locator(".person-2 .tag.only")).to_have_count(1)  # tbt or dog
    expect(page.locator("#status")).to_contain_text("Answered by tags, version 1")
    assert page.trouble == []


def test_hashtags_follow_the_controls(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    choose(page, 1, "Country", "United States")
    expect_tags(page, 1, "soccer", "football", "tbt|dog")
    expect(page.locator(".person-1").get_by_label("City", exact=True)).to_have_value("unknown")
    expect(page.locator(".person-1 .marker")).not_to_be_visible()

    choose(page, 1, "City", "Manchester")
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(page.locator(".person-1").get_by_label("Country", exact=True)).to_have_value(
        "United Kingdom"
    )
    expect(page.locator(".person-1 .marker")).to_be_visible()

    page.locator(".person-1 input[type=number]").fill("90")
    page.locator(".person-1 input[type=number]").press("Enter")
    expect_tags(page, 1, "football", "tbt", "soccer")  # 1.3, 0.8, 0.2
    page.locator(".person-1 input[type=number]").fill("")
    expect(page.locator(".person-1 .who")).to_have_text("Woman, Manchester, United Kingdom")
    expect_tags(page, 1, "football", "soccer", "dog")
    expect(page.get_by_text("Error", exact=True)).to_have_count(0)
    page.locator(".person-1 input[type=number]").fill("90")
    expect_tags(page, 1, "football", "tbt", "soccer")
    page.locator(".person-1").get_by_label("Age known").uncheck()
    expect_tags(page, 1, "football", "soccer", "dog")
    slider = page.locator(".person-1 input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.locator(".person-1").get_by_label("Age known")).to_be_checked()
    expect_tags(page, 1, "football", "tbt", "soccer")  # 89 years

    page.locator(".person-1").get_by_role("button", name="Nothing known").click()
    expect(page.locator(".person-1 .who")).to_have_text("Somebody unknown")
    expect_tags(page, 1, "football", "soccer", "dog")
    expect_tags(page, 2, "soccer", "tbt", "football")  # the other one has not changed
    page.locator(".person-1").get_by_text("male", exact=True).click()
    expect(page.locator(".person-1 .who")).to_have_text("Man")
    page.locator(".person-1").get_by_text("other", exact=True).click()
    expect(page.locator(".person-1 .who")).to_have_text("Person")
    assert page.trouble == []


def test_screen_readers_tell_the_parts_apart(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    first = page.get_by_role("group", name="First person")
    second = page.get_by_role("group", name="Second person")
    expect(first.get_by_label("City", exact=True)).to_have_value("London")
    expect(second.get_by_label("City", exact=True)).to_have_value("Denver")
    world = second.get_by_role("application", name=re.compile("^Second person's home on a map"))
    said = second.locator("[aria-live]")
    expect(said).to_have_text("Denver, United States")
    world.focus()
    page.keyboard.press("Shift+ArrowUp")  # exact, from 39.74 N 104.98 W
    expect(said).to_have_text("49.7° N 105.0° W, Canada")
    click_map(page, 2, 51.5, 0)
    expect(said).to_have_text("London, United Kingdom")
    expect(page.locator("#status").get_by_role("status")).to_contain_text("Answered by tags")
    expect(page.locator("#status").get_by_role("status")).not_to_have_attribute("aria-busy", "true")
    status = page.locator("#status").get_by_role("status")
    expect(status).to_contain_text("First person: football, soccer, ")
    expect(status).to_contain_text("Second person: football, tbt, soccer.")
    assert page.trouble == []


def test_the_example_that_is_shown_is_pressed(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    pressed = page.locator("#examples [aria-pressed=true]")
    expect(pressed).to_have_accessible_name("Example photo 1")
    page.get_by_role("button", name=WHITE).focus()
    page.keyboard.press("Enter")
    expect_tags(page, 1, "football", "sunset", "soccer")
    expect(pressed).to_have_accessible_name(WHITE)
    expect(page.get_by_role("button", name=WHITE)).to_be_focused()
    upload(page, photo(0, 64))
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(pressed).to_have_count(0)
    page.get_by_role("button", name=WHITE).click()
    expect_tags(page, 1, "football", "sunset", "soccer")
    expect(pressed).to_have_accessible_name(WHITE)
    clear(page)
    expect(pressed).to_have_count(0)
    assert page.trouble == []


def test_of_clicks_within_one_round_trip_the_last_one_counts(open_page):
    page = open_page()
    expect_tags(page, 2, "soccer", "tbt", "football")
    page.locator(".person-2 svg.world").evaluate(
        """(world, places) => {
          const box = world.getBoundingClientRect();
          for (const [latitude, longitude] of places)
            world.dispatchEvent(new MouseEvent("click", {
              // Whole pixels: of others, the browser drops what is behind the point.
              clientX: Math.round(box.x + (longitude + 180) / 360 * box.width),
              clientY: Math.round(box.y + (84 - latitude) / 141 * box.height),
            }));
        }""",
        [[39.7, -105], [51.5, 0], [48.8, 2.3], [-33.87, 151.21]],
    )
    expect(page.locator(".person-2 .who")).to_have_text("Man, 60, Sydney, Australia")
    expect(page.locator(".person-2").get_by_label("City", exact=True)).to_have_value("Sydney")
    expect(page.locator(".person-2").get_by_label("Country", exact=True)).to_have_value("Australia")
    expect(page.locator(".person-2 path.chosen")).to_have_attribute("data-code", "AU")
    assert page.trouble == []


def test_the_map(open_page):
    page = open_page()
    expect_tags(page, 2, "soccer", "tbt", "football")
    country = page.locator(".person-2").get_by_label("Country", exact=True)
    city = page.locator(".person-2").get_by_label("City", exact=True)
    click_map(page, 2, 51.5, 0)
    expect_tags(page, 2, "football", "tbt", "soccer")
    expect(country).to_have_value("United Kingdom")
    expect(city).to_have_value("London")
    expect(page.locator(".person-2 path.chosen")).to_have_attribute("data-code", "GB")

    click_map(page, 2, -5, -62)  # the Amazon, far from every city of the list
    expect(country).to_have_value("Brazil")
    expect(city).to_have_value("unknown")
    expect(page.locator(".person-2 .who")).to_have_text(re.compile(r"° S 6\d\.\d° W, Brazil"))
    expect_tags(page, 2, "tbt", "football", "soccer")  # 0.5, 0.3, 0.2

    page.locator(".person-2 svg.world").focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")  # 20 degrees west: the Pacific
    expect(country).to_have_value("unknown")
    expect(page.locator(".person-2 .who")).to_have_text(re.compile(r"° S 8\d\.\d° W$"))
    assert page.trouble == []


def test_photos_are_chosen_uploaded_and_dropped(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")  # black.png is the first
    page.get_by_role("button", name=WHITE).click()
    expect_tags(page, 1, "football", "sunset", "soccer")
    upload(page, photo(0, 64))
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    clear(page)
    expect(page.locator(".person-1 .none")).to_contain_text("Choose a photo")
    encoded = base64.b64encode(photo(255, 64)).decode()
    page.locator("#photo input[type=file]").locator("xpath=..").evaluate(
        DROP, ["dropped.png", "image/png", encoded]
    )
    expect_tags(page, 1, "football", "sunset", "soccer")
    shown = page.locator("#photo img")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    assert page.trouble == []


def test_what_is_no_photo_is_told_and_the_next_one_works(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    alert = page.get_by_role("alert")
    heic = b"\0\0\0\x18ftypheic" + bytes(100)
    for data, words in [
        (b"no image at all", "not a photo we can read"),
        (photo(size=64)[:60], "not a photo we can read"),  # what only the model finds
        (heic, "HEIC"),
    ]:
        upload(page, data, "bad.jpg", "image/jpeg")
        expect(alert).to_contain_text(words)
        expect(page.locator(".person-1 .none")).to_contain_text("Choose another photo")
        # It is still told when a person changes.
        page.locator(".person-2").get_by_role("button", name="Nothing known").click()
        expect(page.locator(".person-2 .who")).to_have_text("Somebody unknown")
        expect(alert).to_contain_text(words)
        page.get_by_role("button", name=WHITE).click()
        expect_tags(page, 1, "football", "sunset", "soccer")
        expect(alert).to_have_count(0)
        page.locator(".person-2").get_by_role("button", name="He, 60, Denver").click()
        expect(page.locator(".person-2 .who")).to_contain_text("Denver")
    assert page.trouble == []


def test_a_file_that_is_too_large(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    upload(page, bytes(20 * 2**20 + 1), "large.png")
    expect(page.get_by_text("exceed the maximum allowed size of 20.0")).to_be_visible()
    page.get_by_role("button", name=WHITE).click()
    expect_tags(page, 1, "football", "sunset", "soccer")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone(open_page, theme, width):
    page = open_page(width, theme)
    expect_tags(page, 2, "soccer", "tbt", "football")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = page.locator("#photo").bounding_box()
    first, second = (page.locator(f".person-{n} > .answer").bounding_box() for n in (1, 2))
    assert first["y"] == second["y"] > shown["y"] + shown["height"]
    assert first["x"] + first["width"] <= second["x"]
    controls = [page.locator(f".person-{n} .controls").bounding_box() for n in (1, 2)]
    assert controls[0]["y"] >= first["y"] + first["height"]
    assert controls[1]["y"] >= controls[0]["y"] + controls[0]["height"]
    parts = "#photo, .person .tag .name, .person .tag .score, .person svg.world, .presets button"
    for part in page.locator(parts).all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    second_person = page.get_by_role("group", name="Second person")
    expect(second_person.get_by_label("City", exact=True)).to_have_value("Denver")
    dark = page.evaluate("document.body.classList.contains('dark')")
    assert dark == (theme == "dark")
    assert page.trouble == []


def test_a_long_hashtag_on_a_phone_is_read_in_full(open_page):
    page = open_page(320)
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    name = tags(page, 1).first
    name.evaluate("(name, text) => { name.firstChild.data = text; }", "#" + 60 * "w")
    assert name.evaluate("name => name.scrollWidth <= name.clientWidth")
    assert name.evaluate("name => name.scrollHeight <= name.clientHeight")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_connection_that_breaks_is_told_and_the_page_opened_anew(open_page):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    page.route("**/gradio_api/**", lambda route: route.abort())
    choose(page, 1, "Country", "United States")
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_text("Connection to the server was lost")).to_have_count(0)
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(page.locator(".person-1 .who")).to_have_text("Woman, 20, London, United Kingdom")


# Last: it takes the server away that the others share, and gives another one to those after it.
def test_the_server_goes_and_comes_back(open_page, server, start_server, demo):
    page = open_page()
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    start_server.current = getattr(start_server, "current", server)
    start_server.current.stop()
    choose(page, 1, "Country", "United States")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    expect(page.locator(".person-1 .none")).to_contain_text("No hashtags just now")
    start_server.current = start_server()
    choose(page, 1, "Country", "Canada")
    expect_tags(page, 1, "football", "soccer", "tbt|dog")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.trouble == []


def test_ends_quietly_by_an_interrupt_and_a_second_one_finds_the_port_taken(
    server, ports, tmp_path
):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    address = f"http://localhost:{ports['rest']}"
    demo = Demo(first, server=address, model_name="tags")
    port = demo.url.rpartition(":")[2]
    try:
        with pytest.raises(RuntimeError, match=rf"cannot listen at 127\.0\.0\.1:{port}: .*--port"):
            Demo(second, server=address, port=port)
    finally:
        ended = demo.stop(signal.SIGINT)
    assert ended == (0, "", "")
