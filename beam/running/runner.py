"""Running a pipeline: in this process unless Beam's own options say otherwise."""

import argparse
import contextlib
import logging
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.job.utils import dict_to_struct
from apache_beam.runners.portability.fn_api_runner.fn_runner import (
    ExtendedProvisionInfo,
    FnApiRunner,
)
from apache_beam.runners.runner import create_runner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from tagkeras import __version__
from tagkeras.cli.errors import UserError

# Named, because Beam's default may first try to download another one.
IN_PROCESS = "FnApiRunner"
_IN_PROCESS_NAMES = frozenset({"", "directrunner", "direct", "fnapirunner", "fnapi"})
_MULTI_PROCESSING = "multi_processing"
# As the last line of a traceback, which is what most runners hand over of a worker's exception.
_USER_ERROR = re.compile(r"^(?:[\w.]+\.)?UserError: (.*)$", re.MULTILINE)
# A full disk, a folder that may not be written to.
_DISK_ERROR = re.compile(r"^\w*Error: \[Errno \d+\] (.*)$", re.MULTILINE)
# The libraries that shape what is written.
_LIBRARIES = ("apache-beam", "keras", "numpy", "pyarrow", "tensorflow")


def parse_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam's pipeline options of command-line arguments.

    Raises:
        UserError: an argument that no options class of Beam knows, or a bad value; it is named.
    """
    refuse_unknown(arguments)
    options = PipelineOptions(list(arguments))
    standard, direct = options.view_as(StandardOptions), options.view_as(DirectOptions)
    if (standard.runner or "").lower() in _IN_PROCESS_NAMES:
        standard.runner = IN_PROCESS
    if direct.direct_num_workers != 1 and direct.direct_running_mode == "in_memory":
        # Beam would run them one after the other, in one thread.
        direct.direct_running_mode = _MULTI_PROCESSING
    setup = options.view_as(SetupOptions)
    setup.beam_plugins = [*(setup.beam_plugins or ()), "beam.running.worker"]
    try:
        create_runner(standard.runner)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserError(f"--runner={standard.runner}: {error}") from error
    # Inputs are looked for before there is a pipeline.
    FileSystems.set_options(options)
    return options


def refuse_unknown(arguments: Sequence[str]) -> None:
    """Makes sure that Beam knows all of some command-line arguments, for whichever runner.

    Raises:
        UserError: it does not, or a value is bad.
    """
    unknown: list[str] = []

    def look(parser: argparse.ArgumentParser) -> None:
        """Is given Beam's parser with all options of all runners."""
        parser.exit_on_error = False
        unknown.extend(parser.parse_known_args(list(arguments))[1])

    try:
        PipelineOptions([]).get_all_options(add_extra_args_fn=look)
    except argparse.ArgumentError as error:
        raise UserError(str(error)) from error
    if unknown:
        raise UserError(
            f"{unknown[0]}: neither a flag of this command nor an option of Apache Beam"
            " (--help lists the flags)"
        )


def versions() -> dict[str, str]:
    """Of this program and the libraries that shape its output, for manifests."""
    return {
        "tagkeras": __version__,
        "python": platform.python_version(),
        **{library: metadata.version(library) for library in _LIBRARIES},
    }


def run_pipeline(build: Callable[[beam.Pipeline], object], options: PipelineOptions) -> None:
    """Builds a pipeline, runs it and waits for its end.

    Raises:
        UserError: a worker raised one, or its disk did not take what it wrote.
    """
    # It warns of each server that it starts and stops, until the process ends.
    logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)
    # On the handlers, since workers, runners and servers log the same traceback by loggers of their
    # own; for good, since Prism outlives the pipeline.
    for handler in filter(None, (*logging.getLogger().handlers, logging.lastResort)):
        handler.addFilter(_is_worth_showing)
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


@contextlib.contextmanager
def _runner(options: PipelineOptions) -> Iterator[FnApiRunner | None]:
    """The in-process runner with our worker processes; None for the one in the options."""
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


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """Not logged tracebacks of user errors, and what job servers log of themselves."""
    if record.exc_info and isinstance(record.exc_info[1], UserError):
        return False
    # Beam shows Prism's log whatever the level: what matters comes as an exception.
    if record.name in ("PrismRunner", "PrismJobServer"):
        return False
    message = record.getMessage()
    return not (_USER_ERROR.search(message) or message.startswith("Waiting for grpc channel"))


def _find_user_error(error: Exception) -> str | None:
    """The message of the `UserError` behind what a runner raised."""
    text = str(error)
    if not isinstance(error, UserError):
        # Most runners hand over what happened in a worker as the text of its traceback.
        found = _USER_ERROR.findall(text)
        if not found:
            found = [f"a worker stopped: {what}" for what in _DISK_ERROR.findall(text)]
        if not found:
            return None
        text = found[-1]
    return re.sub(r" \[while running '.*", "", text)
