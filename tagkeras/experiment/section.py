"""Reads a mapping of a YAML file key by key, and refuses what does not fit."""

import re
from collections.abc import Sequence
from typing import Any

from tagkeras.experiment.yaml_document import Place, YamlDocument

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Section:
    """A mapping at a place of a document.

    Args:
        document: the file.
        place: of the mapping.
        value: what stands there.
        keys: that may be there; None for any.
        required: keys that must be there.

    Raises:
        UserError: it is no mapping, has another key, or lacks one.
    """

    def __init__(
        self,
        document: YamlDocument,
        place: Place,
        value: Any,
        *,
        keys: Sequence[str] | None = None,
        required: Sequence[str] = (),
    ) -> None:
        self.document = document
        self.place = place
        if not isinstance(value, dict):
            raise document.error(place, f"a mapping (key: value) is needed, not {_show(value)}")
        for key in value:
            if not isinstance(key, str) or (keys is not None and key not in keys):
                raise document.error((*place, str(key)), f"no such key; {_choices(keys)}")
        for key in required:
            if key not in value:
                raise document.error(place, f"{key!r} is missing")
        self.values: dict[str, Any] = value

    def error(self, key: str, problem: str) -> Exception:
        """An error at the place of a key."""
        return self.document.error((*self.place, key), problem)

    def section(self, key: str, **options: Any) -> "Section":
        """The mapping under a key; empty if the key is absent."""
        return Section(self.document, (*self.place, key), self.values.get(key, {}), **options)

    def items(self, key: str) -> list[Any]:
        """The list under a key.

        Raises:
            UserError: it is none, or empty.
        """
        value = self.values[key]
        if not isinstance(value, list) or not value:
            raise self.error(key, f"a list of at least one is needed, not {_show(value)}")
        return value

    def numbers(self, key: str, minimum: int) -> tuple[int, ...]:
        """The list of different whole numbers under a key.

        Raises:
            UserError: it is none, is empty, or names a number twice or one below `minimum`.
        """
        numbers = self.items(key)
        for index, number in enumerate(numbers):
            place = (*self.place, key, index)
            if isinstance(number, bool) or not isinstance(number, int) or number < minimum:
                problem = f"a whole number from {minimum} on is needed, not {_show(number)}"
                raise self.document.error(place, problem)
            if number in numbers[:index]:
                raise self.document.error(place, f"{number} again")
        return tuple(numbers)

    def text(self, key: str, choices: Sequence[str] | None = None) -> str:
        """The text under a key.

        Raises:
            UserError: it is none, is empty, or none of `choices`.
        """
        value = self.values[key]
        if not isinstance(value, str) or not value:
            raise self.error(key, f"text is needed, not {_show(value)}")
        if choices is not None and value not in choices:
            raise self.error(key, f"{_choices(choices)}, not {value!r}")
        return value

    def check_names(self) -> None:
        """Makes sure that all keys can be names of folders.

        Raises:
            UserError: one cannot.
        """
        for key in self.values:
            if not _NAME.fullmatch(key):
                raise self.error(key, "a name of letters, digits, - and _ is needed")


def _show(value: Any) -> str:
    return "nothing" if value is None else repr(value)


def _choices(names: Sequence[str] | None) -> str:
    return f"give one of {', '.join(names)}" if names else "give text"
