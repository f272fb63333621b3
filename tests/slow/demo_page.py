"""What a person does on the page of `serving.demo`, and sees there."""

import re

import pytest
from serving_helpers import WAIT

expect = pytest.importorskip("playwright.sync_api").expect
MILLISECONDS = WAIT * 1000
expect.set_options(timeout=MILLISECONDS)
DROP = """(target, [name, kind, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: kind}));
  for (const event of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(event, {bubbles: true, cancelable: true,
                                               dataTransfer: transfer}));
}"""


def tags(page, person):
    return page.locator(f".person-{person} .tag .name")


def expect_tags(page, person, *expected):
    try:
        expect(tags(page, person)).to_have_text([re.compile(f"^#{tag}(,|$)") for tag in expected])
    except AssertionError as error:
        error.add_note(f"The page says:\n{page.locator('body').inner_text()}")
        raise


def choose(page, person, label, option):
    page.locator(f".person-{person}").get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def clear(page):
    """Takes the photo off, if there is one."""
    button = page.locator("#photo").get_by_role("button", name="Remove Image")
    if button.is_visible():
        button.click()
    expect(page.locator("#photo img")).to_have_count(0)


def upload(page, data, name="mine.png", kind="image/png"):
    """Chooses a file as by the button, in place of the photo that may be there."""
    page.locator("#photo input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": data}
    )


def click_map(page, person, latitude, longitude):
    """The picture is 360 degrees wide and 141 high, from 84 N."""
    world = page.locator(f".person-{person} svg.world")
    world.scroll_into_view_if_needed()
    box = world.bounding_box()
    x, y = (longitude + 180) / 360 * box["width"], (84 - latitude) / 141 * box["height"]
    world.click(position={"x": x, "y": y})
