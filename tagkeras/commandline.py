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
absl users expect, and no other code ever reads a flag.
"""

import dataclasses
import os
import sys
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import app, flags, logging

from tagkeras.errors import UserError

ConfigT = TypeVar("ConfigT")

_REQUIRED: Any = object()


def option(
    default: Any = _REQUIRED,
    *,
    help: str,  # noqa: A002 - the name that absl and argparse use
    choices: Sequence[str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """A dataclass field that is also a flag.

    Args:
        default: value when the flag is absent; without one the flag is required.
        help: one line for `--help`.
        choices: the values a string flag may take.
        minimum: smallest value of a number flag.
        maximum: largest value of a number flag.
    """
    metadata = {"help": help, "choices": choices, "minimum": minimum, "maximum": maximum}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def parse(config_class: type[ConfigT], argv: Sequence[str], **kwargs: Any) -> ConfigT:
    """Parses `argv` (without the program name) into a `config_class`, apart from absl's globals.

    Raises:
        flags.Error: unknown flag, bad value, missing required flag or positional argument.
    """
    values = flags.FlagValues()  # type: ignore[no-untyped-call]
    flags.DEFINE_string("flagfile", "", "file of flags", flag_values=values)
    flags.DEFINE_string("undefok", "", "flags that may be undefined", flag_values=values)
    _define(config_class, values)
    rest = values(["command", *argv])[1:]
    _refuse_positional(rest)
    _refuse_absent(config_class, values)
    return _build(config_class, values, **kwargs)


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
            rest = flags.FLAGS(argv, known_only=pass_unknown)
            if not pass_unknown:
                _refuse_positional(rest[1:])
            _refuse_absent(config_class, flags.FLAGS)
        except SystemExit:  # --help, which absl ends with status 1
            sys.exit(0)
        except flags.Error as error:
            fail(program, f"{_one_line(error)} (--help lists the flags)", status=2)
        return rest

    def start(argv: list[str]) -> None:
        try:
            if not flags.FLAGS["verbosity"].present:
                logging.set_verbosity(logging.WARNING)
            config = _build(config_class, flags.FLAGS)
            main(*((config, argv[1:]) if pass_unknown else (config,)))
        except UserError as error:
            fail(program, _one_line(error), status=1)
        except KeyboardInterrupt:
            fail(program, "interrupted", status=130)
        except BrokenPipeError:  # the reader of our output, `head` for one, has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(1)
        except OSError as error:  # a path that cannot be written, a full disk
            fail(program, f"{error.filename or 'input/output'}: {error.strerror}", status=1)

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


def _refuse_positional(rest: Sequence[str]) -> None:
    if rest:
        raise flags.Error(f"unexpected argument {rest[0]!r}; options are given as --name=value")


def _refuse_absent(config_class: type[Any], values: flags.FlagValues) -> None:
    for field in dataclasses.fields(config_class):
        if field.default is dataclasses.MISSING and values[field.name].value is None:
            raise flags.Error(f"--{field.name} is required: {field.metadata['help']}")


def _define(config_class: type[Any], values: flags.FlagValues) -> None:
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        _define_flag(field, _base_type(hints[field.name]), values)


def _define_flag(field: dataclasses.Field[Any], kind: type, values: flags.FlagValues) -> None:
    default: Any = None if field.default is dataclasses.MISSING else field.default
    extra: Any = field.metadata
    # --help lists the flags whose module is the program.
    common: dict[str, Any] = {"flag_values": values, "module_name": sys.argv[0]}
    bounds: dict[str, Any] = {"lower_bound": extra["minimum"], "upper_bound": extra["maximum"]}
    name, text = field.name, extra["help"]
    if extra["choices"]:
        flags.DEFINE_enum(name, default, list(extra["choices"]), text, **common)
    elif kind is bool:
        flags.DEFINE_bool(name, default, text, **common)
    elif kind is int:
        flags.DEFINE_integer(name, default, text, **bounds, **common)
    elif kind is float:
        flags.DEFINE_float(name, default, text, **bounds, **common)
    elif kind is tuple:
        flags.DEFINE_list(name, None if default is None else list(default), text, **common)
    else:
        flags.DEFINE_string(name, default, text, **common)


def _base_type(hint: Any) -> type:
    """`int` of `int | None`, `tuple` of `tuple[str, ...]`."""
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not types.NoneType)
    return typing.get_origin(hint) or hint


def _build(config_class: type[ConfigT], values: flags.FlagValues, **kwargs: Any) -> ConfigT:
    arguments = {}
    for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
        value = values[field.name].value
        arguments[field.name] = tuple(value) if isinstance(value, list) else value
    return config_class(**{**arguments, **kwargs})
