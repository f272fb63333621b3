"""Running a pipeline: in this process unless Beam's own options say otherwise."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import logging
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    StandardOptions,
    _BeamArgumentParser,
)
from apache_beam.runners.runner import create_runner

from tagkeras.errors import UserError

# Named, because Beam's default may first try to download another one.
IN_PROCESS = "FnApiRunner"
_IN_PROCESS_NAMES = frozenset({"", "directrunner", "direct", "fnapirunner", "fnapi"})


class _Parser(_BeamArgumentParser):
    """Beam's parser, with errors in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def parse_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam's pipeline options of command-line arguments.

    Raises:
        UserError: an argument that no options class of Beam knows, or a bad value; it is named.
    """
    parser = _Parser(allow_abbrev=False, usage="")
    for options_class in PipelineOptions.__subclasses__():
        options_class._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        raise UserError(
            f"{unknown[0]}: neither a flag of this command nor an option of Apache Beam"
            " (--help lists the flags)"
        )
    options = PipelineOptions(list(arguments))
    standard = options.view_as(StandardOptions)
    if (standard.runner or "").lower() in _IN_PROCESS_NAMES:
        standard.runner = IN_PROCESS
    try:
        create_runner(standard.runner)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"--runner={standard.runner}: {error}") from error
    return options


def run_pipeline(build: Callable[[beam.Pipeline], object], options: PipelineOptions) -> None:
    """Builds a pipeline, runs it and waits for its end.

    Raises:
        UserError: a worker raised one.
    """
    pipeline = beam.Pipeline(options=options)
    build(pipeline)
    # Beam would log the traceback of what is told in one line.
    logger = logging.getLogger("apache_beam.runners.common")
    logger.addFilter(_is_no_user_error)
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        message = _find_user_error(error)
        if message is None:
            raise
        raise UserError(message) from error
    finally:
        logger.removeFilter(_is_no_user_error)


def _is_no_user_error(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], UserError))


def _find_user_error(error: Exception) -> str | None:
    """The message of the `UserError` behind what a runner raised."""
    text = str(error)
    if not isinstance(error, UserError):
        # Most runners hand over what happened in a worker as the text of its traceback.
        found = re.findall(r"^(?:tagkeras\.errors\.)?UserError: (.*)$", text, re.MULTILINE)
        if not found:
            return None
        text = found[-1]
    return re.sub(r" \[while running '.*", "", text)
