"""Running a pipeline: in this process unless Beam's own options say otherwise."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    StandardOptions,
    _BeamArgumentParser,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job.utils import dict_to_struct
from apache_beam.runners.portability.fn_api_runner.fn_runner import (
    ExtendedProvisionInfo,
    FnApiRunner,
)
from apache_beam.runners.runner import create_runner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from tagkeras.errors import UserError

# Named, because Beam's default may first try to download another one.
IN_PROCESS = "FnApiRunner"
_IN_PROCESS_NAMES = frozenset({"", "directrunner", "direct", "fnapirunner", "fnapi"})
_MULTI_PROCESSING = "multi_processing"


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
    standard, direct = options.view_as(StandardOptions), options.view_as(DirectOptions)
    if (standard.runner or "").lower() in _IN_PROCESS_NAMES:
        standard.runner = IN_PROCESS
    if direct.direct_num_workers != 1 and direct.direct_running_mode == "in_memory":
        # Beam would run them one after the other, in one thread.
        direct.direct_running_mode = _MULTI_PROCESSING
    try:
        create_runner(standard.runner)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"--runner={standard.runner}: {error}") from error
    # Inputs are looked for before there is a pipeline.
    FileSystems.set_options(options)
    return options


def run_pipeline(build: Callable[[beam.Pipeline], object], options: PipelineOptions) -> None:
    """Builds a pipeline, runs it and waits for its end.

    Raises:
        UserError: a worker raised one.
    """
    # Beam would log the traceback of what is told in one line.
    logger = logging.getLogger("apache_beam.runners.common")
    logger.addFilter(_is_no_user_error)
    try:
        with _runner(options) as runner:
            pipeline = beam.Pipeline(runner=runner, options=options)
            build(pipeline)
            pipeline.run().wait_until_finish()
    except Exception as error:
        message = _find_user_error(error)
        if message is None:
            raise
        raise UserError(message) from error
    finally:
        logger.removeFilter(_is_no_user_error)


@contextlib.contextmanager
def _runner(options: PipelineOptions) -> Iterator[FnApiRunner | None]:
    """The in-process runner with worker processes of ours; None: whatever the options name."""
    direct = options.view_as(DirectOptions)
    if (
        options.view_as(StandardOptions).runner != IN_PROCESS
        or direct.direct_running_mode != _MULTI_PROCESSING
    ):
        yield None
        return
    # By itself it would start workers that know no options and tell the screen everything.
    given = options.get_all_options(drop_default=True)
    provision = beam_provision_api_pb2.ProvisionInfo(
        retrieval_token="none",
        pipeline_options=dict_to_struct(
            {
                f"beam:option:{name}:v1": str(value) if type(value) is int else value
                for name, value in given.items()
            }
        ),
    )
    environment = SubprocessSDKEnvironment.from_command_string(
        f"exec {sys.executable} -m beam.running.worker"
    )
    direct.direct_running_mode = None
    try:
        yield FnApiRunner(environment, provision_info=ExtendedProvisionInfo(provision))
    finally:
        direct.direct_running_mode = _MULTI_PROCESSING


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
