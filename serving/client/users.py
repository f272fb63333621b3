"""The users whose hashtags are asked for, from a file."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.data.user import User


def read_users(path: str | os.PathLike[str]) -> list[User]:
    """Reads users from JSON Lines with the fields of `User`, each of which may be null or absent.

    Raises:
        UserError: the file cannot be read, has no user, or a line is not a user; names the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the users of {path}: {error}") from error
    users = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            users.append(_user(json.loads(line)))
        except (json.JSONDecodeError, UserError) as error:
            raise UserError(f"{path}, line {number}: {error}") from error
    if not users:
        raise UserError(f"{path} has no users; write one JSON object a line, such as {{}}")
    return users


def _user(fields: Any) -> User:
    if not isinstance(fields, dict):
        raise UserError("not a JSON object")
    known = [field.name for field in dataclasses.fields(User)]
    if unknown := fields.keys() - known:
        raise UserError(f"unknown field {min(unknown)!r}; the fields are {', '.join(known)}")
    return User(**fields)
