import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from serving import Hashtag
from serving.demo import rendering, world_map


class Elements(HTMLParser):
    """The names of all elements."""

    def __init__(self, page):
        super().__init__()
        self.names = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)


def tags(**scores):
    return [Hashtag(name, score) for name, score in scores.items()]


def test_those_that_only_one_is_given_are_marked():
    ann, ben = rendering.both_answers(
        ["Ann", "Ben"], [tags(football=2.0, dog=1.0), tags(soccer=1.5, dog=0.5)]
    )
    assert ann.count('class="tag only"') == 1
    assert re.search(r'class="tag only"[^>]*><span[^>]*>#football', ann)
    assert re.search(r'class="tag only"[^>]*><span[^>]*>#soccer', ben)
    assert ann.count("only for this person") == 1


def test_bars_of_both_have_one_scale():
    ann, ben = rendering.both_answers(["Ann", "Ben"], [tags(a=2.0), tags(b=1.0)])
    assert "--share:1.000" in ann
    assert "--share:0.500" in ben


def test_bars_of_scores_below_zero():
    """From the lowest, -3, to 1: the share of -1 is a half."""
    (page,) = rendering.both_answers(["Ann"], [tags(a=1.0, b=-1.0, c=-3.0)])
    assert re.findall(r"--share:([0-9.]+)", page) == ["1.000", "0.500", "0.000"]


def test_equal_scores_of_zero_are_no_error():
    (page,) = rendering.both_answers(["Ann"], [tags(a=0.0, b=0.0)])
    assert page.count("--share:0.000") == 2


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_everything_is_escaped(evil):
    pages = [
        *rendering.both_answers([evil], [[Hashtag(evil, 1.0)]]),
        rendering.no_answer(evil, evil),
        rendering.status(evil, 1, 0.01, evil, [[Hashtag(evil, 1.0)]]),
        rendering.notice(evil),
    ]
    for page in pages:
        assert not {"script", "img"} & set(Elements(page).names)
    assert "#&lt;script&gt;" in pages[0] or "#&quot;&gt;&lt;img" in pages[0]


def test_the_status_names_version_and_time():
    page = rendering.status("tags", 7, 0.0123, "localhost:8500")
    assert "version <b>7</b>" in page
    assert "<b>12 ms</b>" in page


def test_the_status_says_the_best_hashtags_of_each():
    page = rendering.status("tags", 7, 0.1, "here", [tags(a=4.0, b=3.0, c=2.0, d=1.0), []])
    assert re.findall('<span class="said"> (.*?)</span>', page) == [
        "First person: a, b, c.",
        "Second person: no hashtags.",
    ]


def test_no_notice_is_no_element():
    assert rendering.notice("") == ""
    assert 'role="alert"' in rendering.notice("Oh")


def test_the_map_is_one_picture_with_all_countries_and_cities():
    svg, said = ElementTree.fromstring("<div>" + world_map.picture('Home of "A" & B') + "</div>")
    assert said.get("aria-live") == "polite"
    assert svg.get("viewBox") == "0 0 3600 1410"
    assert svg.get("aria-label") == 'Home of "A" & B'
    codes = [path.get("data-code") for path in svg.iter("path") if path.get("data-code")]
    assert len(codes) == len(set(codes)) > 150
    # London, 51.51 N 0.13 W: (180 - 0.13) * 10 and (84 - 51.51) * 10 units from the corner.
    (london,) = [c for c in svg.iter("circle") if c.findtext("title") == "London"]
    assert (london.get("cx"), london.get("cy")) == ("1799", "325")
    # The component's template is JavaScript's and Handlebars' too.
    assert not re.search(r"\$\{|\{\{|`", world_map.picture("map"))
