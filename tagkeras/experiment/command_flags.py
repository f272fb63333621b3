"""Flags of a command that stand in a YAML file."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from tagkeras.cli import option_flags
from tagkeras.experiment.section import Section


def read_flags(
    section: Section, command: str, config_class: type[Any], reserved: Sequence[str]
) -> dict[str, str]:
    """The flags of a section, checked as the command itself would.

    Args:
        section: names and values; a value may be a list where the flag takes several.
        command: whose flags they are, for messages.
        config_class: dataclass of its options.
        reserved: flags that may not be given.

    Returns:
        The values, as they are written after `--name=`.

    Raises:
        UserError: the command has no such flag, it may not be given, or the value does not fit.
    """
    given: dict[str, str] = {}
    for name, value in section.values.items():
        known = flags.FlagValues()  # type: ignore[no-untyped-call]
        option_flags.define(config_class, known)
        if name not in known:
            raise section.error(name, f"{command} has no such flag; see its --help")
        if name in reserved:
            raise section.error(name, "the experiment gives this flag itself: leave it out")
        text = _as_text(value)
        if text is None:
            raise section.error(name, f"a value for --{name} is needed, not {value!r}")
        try:
            known(["command", f"--{name}={text}"])
        except flags.Error as error:
            raise section.error(name, " ".join(str(error).split())) from error
        given[name] = text
    return given


def as_arguments(given: dict[str, str]) -> list[str]:
    """`--name=value` for each flag."""
    return [f"--{name}={value}" for name, value in given.items()]


def _as_text(value: Any) -> str | None:
    """As after `--name=`; None for what no flag can be."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        items = [_as_text(item) for item in value if not isinstance(item, list)]
        if None not in items and len(items) == len(value):
            return ",".join(str(item) for item in items)
    return None
