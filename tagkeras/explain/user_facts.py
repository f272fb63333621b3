"""What is said of users in a command line, and what of it a model does not look at."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, FactError
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User

# Values of a category that a message names.
_NAMED_VALUES = 5


def parse_user(options: Any, own_facts: Sequence[str], manifest: Manifest) -> User:
    """The user of the options `age`, `gender` and so on, and of `NAME=VALUE` of the dataset's own.

    Raises:
        UserError: a value that a fact cannot have, or a name that is none of the dataset's own.
    """
    facts = {fact.name: fact for fact in manifest.facts.facts[len(FACTS) :]}
    more: dict[str, float | str] = {}
    for given in own_facts:
        name, equals, text = given.partition("=")
        if not equals or name not in facts:
            known = f"has {', '.join(facts)}" if facts else "has none of its own"
            raise UserError(
                f"--fact={given}: give NAME=VALUE of a fact of the dataset, which {known}"
            )
        try:
            more[name] = facts[name].parse_text(text)
        except FactError as error:
            raise UserError(f"--fact={given}: {error}") from error
    return User(**{fact.name: getattr(options, fact.name) for fact in FACTS}, more=more)


def told_in_vain(people: Iterable[Mapping[str, Any]], manifest: Manifest) -> list[str]:
    """A line for each fact of people, by name and None if unknown, that changes no answer."""
    values, masked, lines = manifest.telling_values, manifest.masked_facts, []
    for facts in people:
        for columns in manifest.facts.columns:
            value = facts.get(columns.fields[0])
            if value is not None and columns.fact in masked:
                lines.append(
                    f"{columns.title}: it is the same or unknown in all training posts, so that the"
                    " model ignores it"
                )
            elif value is not None and value not in (kept := values.get(columns.fact, (value,))):
                named = ", ".join((*kept[:_NAMED_VALUES], *["..."] * (len(kept) > _NAMED_VALUES)))
                lines.append(
                    f"{columns.title} {value} is none of those that the dataset tells apart"
                    f" ({named}): the model takes it as unknown"
                )
    return list(dict.fromkeys(lines))
