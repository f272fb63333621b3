import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.data import hashtags
from tagkeras.data.hashtags import MAX_LENGTH, normalize


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("#Football", "football"),
        ("football", "football"),
        ("  ##TBT ", "tbt"),
        ("# # tbt", "tbt"),
        ("c#", "c#"),
        ("\uff03\uff26\uff4f\uff4f\uff54", "foot"),  # full-width # and letters
        ("STRASSE", "strasse"),
        ("Stra\u00dfe", "strasse"),
        ("\u0130stanbul", "i\u0307stanbul"),
        ("cafe\u0301", "caf\u00e9"),  # a combining accent
        ("new \t york\n", "new york"),
        ("a\u00a0b", "a b"),
        (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("#\ufe0f\u20e3", "#\ufe0f\u20e3"),  # the keycap emoji
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),  # right to left
        ("", ""),
        ("#", ""),
        (" \u3000\n", ""),
        ("a\x00b", ""),
        ("a\x7fb", ""),
        ("\ud800", ""),
        ("x" * (MAX_LENGTH + 1), ""),
        ("x" * MAX_LENGTH, "x" * MAX_LENGTH),
    ],
)
def test_normalizes(typed, stored):
    assert normalize(typed) == stored


def test_long_ones_are_not_cached():
    before = hashtags._normalize_short.cache_info().currsize
    assert normalize("long" * MAX_LENGTH) == ""
    assert hashtags._normalize_short.cache_info().currsize == before


@settings(deadline=None)
@given(st.text(max_size=40))
def test_is_idempotent_and_fit_for_a_line_of_a_file(typed):
    tag = normalize(typed)
    assert normalize(tag) == tag
    assert unicodedata.is_normalized("NFKC", tag)
    assert len(tag.splitlines()) <= 1
    assert "\t" not in tag
    assert tag == tag.strip()


@settings(deadline=None)
@given(st.text(alphabet="#aA\u00df\ufb01\u0345\u1fb7\u01c5\uff03\u20e3\ufe0f ", max_size=12))
def test_is_idempotent_on_letters_that_fold_oddly(typed):
    assert normalize(normalize(typed)) == normalize(typed)
