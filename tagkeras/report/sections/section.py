"""What a section of the page is."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A section that has something to show.

    Attributes:
        id: what links lead to; `sections/ID.html` is its template.
        title: its heading.
        short: its name in the navigation.
        content: what the template shows.
    """

    id: str
    title: str
    short: str
    content: Mapping[str, Any]


class LeftOut(Exception):  # noqa: N818 - it is no error
    """Raised by a section, or a part of one, that has nothing to show.

    Args:
        title: what is left out.
        reason: why, and how to have it, in words.
    """

    def __init__(self, title: str, reason: str) -> None:
        super().__init__(f"{title}: {reason}")
        self.title = title
        self.reason = reason
