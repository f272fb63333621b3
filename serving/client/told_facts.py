"""What users tell a model, held against what it takes: a fact told in vain is named."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from serving.client.answers import ServedFact
from serving.client.flags import make_user
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User


class Told(NamedTuple):
    """Users as they are, as the model is told of them, and what it would not hear, in words."""

    users: list[User]
    heard: list[User]
    in_vain: list[str]


def fit(users: Sequence[User], facts: Sequence[ServedFact]) -> Told:
    """Gives further facts the types of a model's, and leaves out what changes no answer.

    Raises:
        UserError: a text for a number.
    """
    served = {fact.name: fact for fact in facts}
    told = Told([], [], [])
    for user in users:
        more = {name: _typed(name, value, served.get(name)) for name, value in user.more.items()}
        typed = dataclasses.replace(user, more=more)
        reasons = {
            name: _why_in_vain(name, value, served.get(name))
            for name, value in typed.facts.items()
            if value is not None
        }
        heard = {name: value for name, value in typed.facts.items() if not reasons.get(name)}
        told.users.append(typed)
        told.heard.append(make_user(heard))
        told.in_vain.extend(why for why in reasons.values() if why and why not in told.in_vain)
    return told


def _typed(name: str, value: float | str, fact: ServedFact | None) -> float | str:
    if fact is None:
        return value
    if fact.is_text:
        return value if isinstance(value, str) else f"{value:.9g}"
    try:
        return float(value)
    except ValueError as error:
        raise UserError(f"{name} must be a number, got {value!r}") from error


def _why_in_vain(name: str, value: float | str, fact: ServedFact | None) -> str:
    if fact is None:
        return f"the model has no fact {name!r}"
    if not fact.tells:
        return f"the posts that the model learned from do not differ in {name}"
    if fact.values and value not in fact.values:
        return f"{name} {value} is none of the {len(fact.values)} values that the model tells apart"
    return ""
