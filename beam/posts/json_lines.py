"""JSON Lines: a post a line, plain or gzipped."""

import json
from typing import Any

# Beam cannot send objects between workers that are much deeper.
_MAX_DEPTH = 32


def parse_json(line: bytes) -> dict[str, Any] | str:
    """The object of a line, or what is wrong with it."""
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(row, dict):
        return "not a JSON object"
    # Few lines have so many brackets that a closer look is due.
    if line.count(b"[") + line.count(b"{") > _MAX_DEPTH and _is_deeper(row, _MAX_DEPTH):
        return f"nested more than {_MAX_DEPTH} deep"
    return row


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects are in each other more than so many deep."""
    if not isinstance(value, (dict, list)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(part, depth - 1) for part in parts)
