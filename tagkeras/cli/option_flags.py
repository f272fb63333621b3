"""The `option`s of a command as absl flags, and back: `tagkeras.cli.commandline` is the way in."""

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from absl import flags

ConfigT = TypeVar("ConfigT")


def define(config_class: type[Any], values: flags.FlagValues) -> None:
    """Defines a flag for each field of a dataclass of `option`s."""
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        _define_flag(field, _base_type(hints[field.name]), values)


def take_positional(
    config_class: type[Any],
    values: flags.FlagValues,
    rest: Sequence[str],
    *,
    pass_unknown: bool = False,
) -> list[str]:
    """Gives arguments without a name to the flag that takes them; returns the other arguments.

    A flag of one value takes one. A flag of a tuple takes all of them, after those that it has by
    its name: `--compare A B C` is `--compare=A,B,C`.

    Args:
        config_class: dataclass of `option`s.
        values: parsed.
        rest: what is no flag of `values`.
        pass_unknown: whether there may be other arguments. A name without `=` may then be that of
            a flag of others, and what follows it the value.

    Raises:
        flags.Error: the flag is given already, or there are other arguments.
    """
    rest = list(rest)
    names = [f.name for f in dataclasses.fields(config_class) if f.metadata["positional"]]
    places = [
        place
        for place, (before, argument) in enumerate(zip(["=", *rest], rest, strict=False))
        if not argument.startswith("-") and (not before.startswith("-") or "=" in before)
    ]
    if names and places:
        flag = values[names[0]]
        given = flag.value if flag.present else []
        if isinstance(flag.parser, flags.ListParser):
            flag.parse(",".join(rest[place] for place in places))
            flag.value = [*(given or []), *(flag.value or [])]
            rest = [argument for place, argument in enumerate(rest) if place not in places]
        else:
            argument = rest.pop(places[0])
            if flag.present:
                raise flags.Error(f"{argument!r} and --{flag.name}={given}: give one of the two")
            flag.parse(argument)
    if rest and not pass_unknown:
        raise flags.Error(f"unexpected argument {rest[0]!r}; options are given as --name=value")
    return rest


def refuse_absent(config_class: type[Any], values: flags.FlagValues) -> None:
    """Raises `flags.Error` if a flag without a default has no value."""
    for field in dataclasses.fields(config_class):
        if field.default is dataclasses.MISSING and values[field.name].value is None:
            raise flags.Error(f"--{field.name} is required: {field.metadata['help']}")


def build(config_class: type[ConfigT], values: flags.FlagValues, **kwargs: Any) -> ConfigT:
    """The dataclass with the values of the flags; `kwargs` are fields that go before them."""
    arguments = {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
        value = values[field.name].value
        arguments[field.name] = tuple(value) if isinstance(value, list) else value
    return config_class(**{**arguments, **kwargs})


def _define_flag(field: dataclasses.Field[Any], kind: type, values: flags.FlagValues) -> None:
    default: Any = None if field.default is dataclasses.MISSING else field.default
    extra: Any = field.metadata
    # --help lists the flags whose module is the program.
    common: dict[str, Any] = {"flag_values": values, "module_name": sys.argv[0]}
    bounds: dict[str, Any] = {"lower_bound": extra["minimum"], "upper_bound": extra["maximum"]}
    name, text = field.name, extra["help"]
    if extra["positional"] and kind is tuple:
        text += "; arguments without a name are further ones"
    elif extra["positional"]:
        text += "; also taken without its name, as the one such argument"
    if extra["choices"]:
        flags.DEFINE_enum(name, default, list(extra["choices"]), text, **common)
    elif kind is bool:
        flags.DEFINE_bool(name, default, text, **common)
    elif kind is int:
        flags.DEFINE_integer(name, default, text, **bounds, **common)
    elif kind is float:
        flags.DEFINE_float(name, default, text, **bounds, **common)
        # Bounds do not catch NaN, which is neither below nor above them.
        message = "must be a finite number"
        flags.register_validator(  # type: ignore[no-untyped-call]
            name, lambda value: value is None or math.isfinite(value), message, values
        )
    elif kind is tuple:
        flags.DEFINE_list(name, None if default is None else list(default), text, **common)
    else:
        flags.DEFINE_string(name, default, text, **common)


def _base_type(hint: Any) -> type:
    """`int` of `int | None`, `tuple` of `tuple[str, ...]`."""
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not types.NoneType)
    return typing.get_origin(hint) or hint
