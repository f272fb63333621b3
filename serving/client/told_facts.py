"""What users tell a model, held against what it takes: a fact told in vain is named."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from serving.client.answers import ServedFact
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FactError, make_facts
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
    own = [fact for fact in facts if fact.name not in User().facts]
    parsers = make_facts(
        [fact.name for fact in own if fact.is_text], [f.name for f in own if not f.is_text]
    )
    parser = {fact.name: fact for fact in parsers}
    told = Told([], [], [])
    for user in users:
        more = {}
        for name, value in user.more.items():
            text = value if isinstance(value, str) else f"{value:.9g}"
            try:
                more[name] = parser[name].parse_text(text) if name in parser else value
            except FactError as error:
                raise UserError(f"{error}, got {value!r}") from error
        typed = dataclasses.replace(user, more=more)
        vain = {
            name: words
            for name, value in typed.facts.items()
            if value is not None and (words := _why_in_vain(name, value, served.get(name)))
        }
        told.users.append(typed)
        told.heard.append(
            dataclasses.replace(
                typed,
                more={name: value for name, value in more.items() if name not in vain},
                **{name: None for name in vain if name not in more},
            )
        )
        told.in_vain.extend(words for words in vain.values() if words not in told.in_vain)
    return told


def _why_in_vain(name: str, value: float | str, fact: ServedFact | None) -> str:
    if fact is None:
        return f"the model has no fact {name!r}"
    if not fact.tells:
        return f"the posts that the model learned from do not differ in {name}"
    if fact.values and value not in fact.values:
        return f"{name} {value} is none of the {len(fact.values)} values that the model tells apart"
    return ""
