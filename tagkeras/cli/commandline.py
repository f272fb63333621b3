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
import os
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from absl import app, flags, logging

from tagkeras.cli import option_flags, quiet
from tagkeras.cli.errors import UserError

ConfigT = TypeVar("ConfigT")

_REQUIRED: Any = object()


def option(
    default: Any = _REQUIRED,
    *,
    help: str,  # noqa: A002 - the name that absl and argparse use
    choices: Sequence[str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    positional: bool = False,
) -> Any:
    """A dataclass field that is also a flag.

    Args:
        default: value when the flag is absent; without one the flag is required.
        help: one line for `--help`.
        choices: the values a string flag may take.
        minimum: smallest value of a number flag.
        maximum: largest value of a number flag.
        positional: the value may also be given as the one argument without a name.
    """
    metadata = {
        "help": help,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "positional": positional,
    }
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def parse(config_class: type[ConfigT], argv: Sequence[str], **kwargs: Any) -> ConfigT:
    """Parses `argv` (without the program name) into a `config_class`, apart from absl's globals.

    Raises:
        flags.Error: unknown flag, bad value, missing required flag, or a positional argument of a
            command that takes none or has it already.
    """
    values = flags.FlagValues()  # type: ignore[no-untyped-call]
    flags.DEFINE_string("flagfile", "", "file of flags", flag_values=values)
    flags.DEFINE_string("undefok", "", "flags that may be undefined", flag_values=values)
    option_flags.define(config_class, values)
    rest = values(["command", *argv])[1:]
    option_flags.take_positional(config_class, values, rest)
    option_flags.refuse_absent(config_class, values)
    return option_flags.build(config_class, values, **kwargs)


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
    option_flags.define(config_class, flags.FLAGS)
    # absl prints the main module's docstring as a format string.
    sys.modules["__main__"].__doc__ = (sys.modules["__main__"].__doc__ or "").replace("%", "%%")

    def parse_arguments(argv: list[str]) -> list[str]:
        try:
            name, *rest = flags.FLAGS(argv, known_only=pass_unknown)
            rest = option_flags.take_positional(
                config_class, flags.FLAGS, rest, pass_unknown=pass_unknown
            )
            option_flags.refuse_absent(config_class, flags.FLAGS)
        except SystemExit:  # --help, which absl ends with status 1
            sys.exit(0)
        except flags.Error as error:
            fail(program, f"{_one_line(error)} (--help lists the flags)", status=2)
        return [name, *rest]

    def start(argv: list[str]) -> None:
        try:
            if not flags.FLAGS["verbosity"].present:
                logging.set_verbosity(logging.WARNING)
            config = option_flags.build(config_class, flags.FLAGS)
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
