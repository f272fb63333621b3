import pytest

from tagkeras.report import formats


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.number(0.3612, "R@10"), "36.1"),
        (formats.number(3.3219, "entropy@10"), "3.32"),
        (formats.interval([0.35, 0.372]), "35.0\N{EN DASH}37.2"),
        (formats.interval([-0.033, 0.061]), "\N{MINUS SIGN}3.3 to 6.1"),
        (formats.points(0.0138), "+1.4"),
        (formats.points(-0.0001), "0.0"),
        (formats.p_value(0.0001), "p < 0.001"),
        (formats.compact(4.6e6), "4.6M"),
        (formats.plural(32000, "post"), "32,000 posts"),
        (formats.joined(["a", "b", "c"]), "a, b and c"),
        (formats.person(34.0, "female", "GB"), "female, 34, GB"),
        (formats.person(float("nan"), "", ""), "unknown"),
        (formats.slug("natural (d=64)"), "natural--d-64-"),
        (
            formats.command_lines(["python", "--data=my data", "--compare", "a"]),
            "python \\\n    '--data=my data' \\\n    --compare a",
        ),
    ],
)
def test_formats(text, expected):
    assert text == expected


def test_text_is_cut_between_characters():
    assert formats.shorten("abc", 3) == "abc"
    assert formats.shorten("abcd", 3) == "ab…"
    assert formats.shorten("a\x00b") == "a b"
    # A base letter and its accent stay together, and so does a family of joined emoji.
    assert formats.shorten("ae\u0301xyz", 3) == "a…"
    assert formats.shorten("a👩\u200d👧bcd", 4) == "a…"
