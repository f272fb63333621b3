"""From absl flags to a frozen dataclass, and from exceptions to one clear line.

A command is a frozen dataclass of `option`s and a `main` that takes it:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Config:
        data: str = option(help="dataset directory")
        epochs: int = option(20, help="passes over the training posts", minimum=1)

    def main(config: Config) -> None: ...

    if __name__ == "__main__":
        run(main, Config)

Each field becomes an absl flag of the same name, so `--flagfile`, `--help` and `--nobool` work as
absl users expect, and no other code ever reads a flag. One field of a command may be `positional`:
its value is then also taken without its name, as in `python -m beam.inspect DATASET`.
"""

import dataclasses
import math
import os
import sys
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import app, flags, logging

from tagkeras.cli import quiet
from tagkeras.cli.errors import UserError

ConfigT = TypeVar("ConfigT")


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str,  # noqa: A002 - the name that absl and argparse use
    choices: Sequence[str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    positional: bool = False,
    repeated: bool = False,
) -> Any:
    """A dataclass field that is also a flag.

    Args:
        default: value when the flag is absent; without one the flag is required.
        help: one line for `--help`.
        choices: the values a string flag may take.
        minimum: smallest value of a number flag.
        maximum: largest value of a number flag.
        positional: the value may also be given as the one argument without a name.
        repeated: of a tuple: the flag is given once for each value, which may have commas.
    """
    metadata = {
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "positional": positional,
        "repeated": repeated,
    }
    return dataclasses.field(default=default, metadata=metadata)


def parse(config_class: type[ConfigT], argv: Sequence[str]) -> ConfigT:
    """Parses `argv` (without the program name) into a `config_class`, apart from absl's globals.

    Raises:
        flags.Error: unknown flag, bad value, missing required flag, or a positional argument of a
            command that takes none or has it already.
    """
    return _parse(config_class, argv, pass_unknown=False)[0]


def parse_known(config_class: type[ConfigT], argv: Sequence[str]) -> tuple[ConfigT, list[str]]:
    """Like `parse`, and returns the arguments that are not of `config_class`."""
    return _parse(config_class, argv, pass_unknown=True)


def _parse(
    config_class: type[ConfigT], argv: Sequence[str], *, pass_unknown: bool
) -> tuple[ConfigT, list[str]]:
    values = flags.FlagValues()  # type: ignore[no-untyped-call]
    flags.DEFINE_string("flagfile", "", "file of flags", flag_values=values)
    flags.DEFINE_string("undefok", "", "flags that may be undefined", flag_values=values)
    _define(config_class, values)
    _, *rest = _read(config_class, values, ["command", *argv], pass_unknown=pass_unknown)
    return _build(config_class, values), rest


def run(
    main: Callable[..., None],
    config_class: type[Any],
    *,
    pass_unknown: bool = False,
) -> None:
    """Runs a command: flags to config, `UserError` to one line and exit status 1.

    Args:
        main: called with the config, and with the list of unrecognised arguments if `pass_unknown`.
        config_class: frozen dataclass whose fields are `option`s.
        pass_unknown: hand arguments that are not ours to `main` (for Beam's own options).
    """
    program = f"python -m {_module_name()}"
    _define(config_class, flags.FLAGS)
    # absl prints the main module's docstring as a format string.
    sys.modules["__main__"].__doc__ = (sys.modules["__main__"].__doc__ or "").replace("%", "%%")

    def parse_arguments(argv: list[str]) -> list[str]:
        try:
            return _read(config_class, flags.FLAGS, argv, pass_unknown=pass_unknown)
        except SystemExit:  # --help, which absl ends with status 1
            sys.exit(0)
        except flags.Error as error:
            fail(program, f"{_one_line(error)} (--help lists the flags)", status=2)

    def start(argv: list[str]) -> None:
        try:
            if not flags.FLAGS["verbosity"].present:
                logging.set_verbosity(logging.WARNING)
            config = _build(config_class, flags.FLAGS)
            quiet.hold_back_noise()
            main(*((config, argv[1:]) if pass_unknown else (config,)))
        except UserError as error:
            fail(program, _one_line(error), status=1)
        except KeyboardInterrupt:
            fail(program, "interrupted", status=130)
        except BrokenPipeError:  # the reader of our output, `head` for one, has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(1)
        except OSError as error:  # a path that cannot be written, a full disk
            problem = error.strerror or _one_line(error)  # file systems of others have no errno
            fail(program, f"{error.filename or 'input/output'}: {problem}", status=1)

    app.run(start, argv=[_module_name(), *sys.argv[1:]], flags_parser=parse_arguments)


def fail(program: str, message: str, *, status: int) -> typing.NoReturn:
    """Prints `program: message` on standard error and exits with `status`."""
    print(f"{program}: {message}", file=sys.stderr)
    sys.exit(status)


def _module_name() -> str:
    spec = sys.modules["__main__"].__spec__
    name = spec.name if spec else sys.argv[0]
    return name.removesuffix(".__main__")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _define(config_class: type[Any], values: flags.FlagValues) -> None:
    """Defines a flag for each field."""
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        _define_flag(field, _base_type(hints[field.name]), values)


def _read(
    config_class: type[Any], values: flags.FlagValues, argv: Sequence[str], *, pass_unknown: bool
) -> list[str]:
    """Gives `values` what `argv` has for them; returns the program name and the other arguments."""
    program, *rest = values(argv, known_only=pass_unknown)
    rest = _take_positional(config_class, values, rest)
    if rest and not pass_unknown:
        raise flags.Error(f"unexpected argument {rest[0]!r}; options are given as --name=value")
    for field in dataclasses.fields(config_class):
        if field.default is dataclasses.MISSING and values[field.name].value is None:
            raise flags.Error(f"--{field.name} is required: {field.metadata['help']}")
    return [program, *rest]


def _take_positional(
    config_class: type[Any], values: flags.FlagValues, rest: list[str]
) -> list[str]:
    """Gives arguments without a name to the flag that takes them; returns the other arguments.

    A flag of one value takes one. A flag of a tuple takes all of them, after those that it has by
    its name: `--compare A B C` is `--compare=A,B,C`. Among arguments of others, a name without `=`
    may be that of their flag, and what follows it the value.
    """
    names = [f.name for f in dataclasses.fields(config_class) if f.metadata["positional"]]
    places = [
        place
        for place, (before, argument) in enumerate(zip(["=", *rest], rest, strict=False))
        if not argument.startswith("-") and (not before.startswith("-") or "=" in before)
    ]
    if not names or not places:
        return rest
    flag = values[names[0]]
    given = flag.value if flag.present else []
    if isinstance(flag.parser, flags.ListParser):
        flag.parse(",".join(rest[place] for place in places))
        flag.value = [*(given or []), *(flag.value or [])]
        return [argument for place, argument in enumerate(rest) if place not in places]
    argument = rest.pop(places[0])
    if flag.present:
        raise flags.Error(f"{argument!r} and --{flag.name}={given}: give one of the two")
    flag.parse(argument)
    return rest


def _build(config_class: type[ConfigT], values: flags.FlagValues) -> ConfigT:
    arguments = {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
        value = values[field.name].value
        arguments[field.name] = tuple(value) if isinstance(value, list) else value
    return config_class(**arguments)


def _define_flag(field: dataclasses.Field[Any], kind: type, values: flags.FlagValues) -> None:
    default: Any = None if field.default is dataclasses.MISSING else field.default
    extra: Any = field.metadata
    # --help lists the flags whose module is the program.
    common: dict[str, Any] = {"flag_values": values, "module_name": sys.argv[0]}
    bounds: dict[str, Any] = {"lower_bound": extra["minimum"], "upper_bound": extra["maximum"]}
    name, text = field.name, extra["help"]
    if extra["positional"] and kind is tuple:
        text += "; may also be given as positional arguments"
    elif extra["positional"]:
        text += "; may also be given as the positional argument"
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
    elif extra["repeated"]:
        flags.DEFINE_multi_string(name, list(default), text, **common)
    elif kind is tuple:
        flags.DEFINE_list(name, None if default is None else list(default), text, **common)
    else:
        flags.DEFINE_string(name, default, text, **common)


def _base_type(hint: Any) -> type:
    """`int` of `int | None`, `tuple` of `tuple[str, ...]`."""
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not types.NoneType)
    return typing.get_origin(hint) or hint
