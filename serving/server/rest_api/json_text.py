"""JSON as RapidJSON reads and describes it: its limits, its numbers and its words for errors."""

import json
import math
import re
from typing import Any

from serving.server.errors import ServingError, invalid_argument

# What is quoted of a value in a message; a request may be of any size.
_MAX_QUOTED_CHARACTERS = 4096
_INDENT = 4
_UNICODE_ERROR = "The surrogate pair in string is invalid."
_NUMBER_ERROR = "Number too big to be stored in double."
_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Extra data": "The document root must not be followed by other values.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
_UNFINISHED = {".": "Miss fraction part in number.", "e": "Miss exponent in number."}
_UNFINISHED_NUMBER = re.compile(r"[0-9]([.eE])")
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)


def parse(text: bytes) -> dict[str, Any]:
    """Reads a document that must be one JSON object.

    The bare words NaN, Infinity and -Infinity are numbers. Integers come as int, which `number`
    turns into what RapidJSON would store. Of members of the same name the first one counts.

    Raises:
        ServingError: `INVALID_ARGUMENT` for anything else, and nesting that the stack cannot hold.
    """
    if not text:
        raise parse_error("The document is empty")
    try:
        document = _DECODER.decode(text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        offset = len(error.doc[: error.pos].encode(errors="replace"))
        raise parse_error(f"{_description(error)} at offset: {offset}") from None
    except UnicodeDecodeError as error:
        raise parse_error(f"Invalid encoding in string. at offset: {error.start}") from None
    except RecursionError:
        raise parse_error("The document is nested too deeply.") from None
    except ValueError:  # Python refuses to read integers of thousands of digits
        raise parse_error(_NUMBER_ERROR) from None
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {value_text(document)} Is not object")
    return document


def parse_error(description: str) -> ServingError:
    """The error for a document that is not JSON."""
    return invalid_argument(f"JSON Parse error: {description}")


def encode(text: str) -> bytes:
    """A string of a document in UTF-8; `INVALID_ARGUMENT` for half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise parse_error(_UNICODE_ERROR) from None


def number(value: Any) -> int | float | None:
    """A JSON number: an int if it fits into 64 bits, signed or not, else a float.

    None for values of other kinds, true and false among them.
    """
    if type(value) is float:
        return value
    if type(value) is not int:
        return None
    if -(2**63) <= value < 2**64:
        return value
    try:
        return float(value)
    except OverflowError:
        raise parse_error(_NUMBER_ERROR) from None


def is_base64(value: Any) -> bool:
    """Whether a value stands for bytes, as `{"b64": "aGVsbG8="}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def type_text(value: Any) -> str:
    """The kind of a value for a message, such as `Array`."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        return "Object"
    if isinstance(value, list):
        return "Array"
    return "String" if isinstance(value, str) else "Number"


def value_text(value: Any) -> str:
    """A value for a message: as indented JSON, cut off where it grows too long."""
    text = ""
    for piece in json.JSONEncoder(indent=_INDENT, ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > _MAX_QUOTED_CHARACTERS:
            return text[:_MAX_QUOTED_CHARACTERS] + "...TRUNCATED"
    return text


def _description(error: json.JSONDecodeError) -> str:
    if not error.doc.strip(" \t\r\n"):
        return "The document is empty."
    if error.msg == "Expecting ',' delimiter":
        if unfinished := _UNFINISHED_NUMBER.match(error.doc, error.pos - 1):
            return _UNFINISHED[unfinished[1].lower()]
        if _innermost_bracket(error.doc[: error.pos]) == "{":
            return "Missing a comma or } after an object member."
        return "Missing a comma or ] after an array element."
    return _ERRORS.get(error.msg.removesuffix(": "), error.msg)


def _innermost_bracket(text: str) -> str:
    opened = [""]
    for match in _STRINGS_AND_BRACKETS.finditer(text):
        token = match[0]
        if token in ("{", "["):
            opened.append(token)
        elif token in ("}", "]"):
            opened.pop()
    return opened[-1]


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise parse_error(_NUMBER_ERROR)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):  # some are there twice, and the last ones were taken
        members.update(reversed(pairs))
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=_finite)
