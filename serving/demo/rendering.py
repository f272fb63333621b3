"""Answers as HTML. Every text of the model, the server or a person is escaped."""

from collections.abc import Sequence
from html import escape

from serving.client.answers import Hashtag
from serving.demo.people import ORDINALS

_SAID_HASHTAGS = 3


def both_answers(whos: Sequence[str], hashtags: Sequence[Sequence[Hashtag]]) -> list[str]:
    """The hashtags of people beside one another, with bars of one scale.

    Args:
        whos: who each of them is, in words.
        hashtags: of each of them, best first.

    Returns:
        HTML for each, in which those are marked that nobody else is given.
    """
    scores = [tag.score for tags in hashtags for tag in tags]
    low, high = min([0.0, *scores]), max([0.0, *scores])
    span = (high - low) or 1.0
    pages = []
    for index, (who, tags) in enumerate(zip(whos, hashtags, strict=True)):
        others = {
            tag.hashtag for other, given in enumerate(hashtags) if other != index for tag in given
        }
        rows = [_row(tag, (tag.score - low) / span, only=tag.hashtag not in others) for tag in tags]
        pages.append(f'{_who(who)}<ol class="tags">{"".join(rows)}</ol>')
    return pages


def no_answer(who: str, words: str) -> str:
    """A person for whom there are no hashtags, and why."""
    return f'{_who(who)}<p class="none">{escape(words)}</p>'


def status(
    model: str,
    version: int,
    seconds: float,
    server: str,
    hashtags: Sequence[Sequence[Hashtag]] = (),
) -> str:
    """Which version of a model answered, and how long it took.

    Screen readers say this line when it changes: for them it has the answer too.

    Args:
        model: its name.
        version: the one that answered.
        seconds: that it took.
        server: the address.
        hashtags: of each person, best first; the best few are said.
    """
    said = "".join(
        f'<span class="said"> {who}: {escape(_few(tags))}.</span>'
        for who, tags in zip(ORDINALS, hashtags, strict=False)
    )
    return (
        f"<p>Answered by <b>{escape(model)}</b>, version <b>{version}</b>, at {escape(server)} in "
        f"<b>{seconds * 1000:,.0f} ms</b>{said}</p>"
    )


def notice(words: str) -> str:
    """A message for the person at the page; nothing for ""."""
    return f'<p role="alert">{escape(words)}</p>' if words else ""


def _who(who: str) -> str:
    return f'<h2 class="who">{escape(who)}</h2>'


def _few(tags: Sequence[Hashtag]) -> str:
    return ", ".join(tag.hashtag for tag in tags[:_SAID_HASHTAGS]) or "no hashtags"


def _row(tag: Hashtag, share: float, *, only: bool) -> str:
    said = '<span class="said">, only for this person</span>' if only else ""
    return (
        f'<li class="tag{" only" if only else ""}" style="--share:{share:.3f}">'
        f'<span class="name" dir="auto">#{escape(tag.hashtag)}{said}</span>'
        f'<span class="bar"></span><span class="score">{tag.score:.2f}</span></li>'
    )
