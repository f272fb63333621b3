"""Serves models over gRPC and REST with the flags and the behaviour of tensorflow_model_server.

    python -m serving.server --port=8500 --rest_api_port=8501 --model_name=tags \
        --model_base_path=/models/tags

Prints a line with the address of each port once the models are loaded and the ports are open.
SIGTERM and SIGINT let it finish the calls under way and exit with status 0; a second one, of either
kind, ends it at once.
"""

import contextlib
import dataclasses
import gc
import importlib.metadata
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import logging as absl_logging

from serving.server.server_flags import Config, refusal
from serving.stop_signals import stop_signals
from tagkeras import __version__
from tagkeras.cli.commandline import fail, run
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from serving.server.model_server import ModelServer

PROGRAM = "python -m serving.server"
# The name that batching threads have where no file gives them another.
_BATCH_THREADS = "model_server_batch_threads"


def main(config: Config, unknown: list[str]) -> None:
    """Serves until told to stop."""
    if message := refusal(unknown):
        fail(PROGRAM, f"{message} (--help lists the flags)", status=2)
    if config.version:
        api = importlib.metadata.version("tensorflow-serving-api")
        print(f"TensorFlow ModelServer: {api}+tagkeras.{__version__}")
        print(f"TensorFlow Library: {importlib.metadata.version('tensorflow')}")
        return
    from serving.server.errors import ServingError
    from serving.server.models.config_poller import ConfigPoller

    _set_up_logging()
    server = build(config)
    stopping = stop_signals()
    # What is there by now stays, TensorFlow's modules above all: it need not be looked through
    # again and again for garbage. Models come later, and can go.
    gc.collect()
    gc.freeze()
    try:
        if server.start(cancelled=stopping.is_set):
            _announce(config, server)
            poll_seconds = config.model_config_file_poll_wait_seconds
            with contextlib.ExitStack() as stack:
                if config.model_config_file and poll_seconds:
                    stack.enter_context(
                        ConfigPoller(server.manager, config.model_config_file, poll_seconds)
                    )
                stopping.wait()
    except ServingError as error:
        raise UserError(f"Failed to start server. Error: {error}") from error
    finally:
        server.stop()


def build(config: Config) -> "ModelServer":
    """The server that the flags describe, not started yet.

    Raises:
        UserError: flags that do not go together, or a file that one of them names is bad.
    """
    from serving.server.batching import parameters
    from serving.server.grpc_api.credentials import read_credentials
    from serving.server.model_server import ModelServer
    from serving.server.models.managed_version import ManagerOptions
    from serving.server.monitoring import monitoring_config

    if config.rest_api_port and config.rest_api_port == config.port:
        raise UserError(f"--rest_api_port={config.port} is --port, too; give another")
    if config.batching_parameters_file and not config.enable_batching:
        raise UserError("--batching_parameters_file is set without --enable_batching")
    if config.monitoring_config_file and not config.rest_api_port:
        raise UserError("--monitoring_config_file shows metrics on --rest_api_port; give one")
    batching = monitoring = credentials = None
    if config.batching_parameters_file:
        batching = parameters.read(config.batching_parameters_file)
    elif config.enable_batching:
        batching = parameters.BatchingParameters(thread_pool_name=_BATCH_THREADS)
    if config.monitoring_config_file:
        monitoring = monitoring_config.read(config.monitoring_config_file)
    if config.ssl_config_file:
        credentials = read_credentials(config.ssl_config_file)
    return ModelServer(
        models(config),
        port=config.port,
        options=ManagerOptions(
            **{
                field.name: getattr(config, field.name)
                for field in dataclasses.fields(ManagerOptions)
            }
        ),
        max_threads=config.grpc_max_threads,
        rest_port=config.rest_api_port or None,
        rest_timeout=config.rest_api_timeout_in_ms / 1000,
        rest_threads=config.rest_api_num_threads,
        cors=config.rest_api_enable_cors_support,
        socket_path=config.grpc_socket_path or None,
        credentials=credentials,
        channel_arguments=channel_arguments(config.grpc_channel_arguments),
        batching=batching,
        monitoring=monitoring,
        health=config.enable_grpc_healthcheck_service,
        tensor_content=config.enable_serialization_as_tensor_content,
    )


def models(config: Config) -> Any:
    """The ModelServerConfig that the flags name.

    Raises:
        UserError: there is none, or what they name cannot be served.
    """
    from serving.server.models import model_config

    if config.model_config_file:
        return model_config.read(config.model_config_file)
    path = config.model_base_path
    if not path:
        raise UserError("no model to serve: give --model_base_path or --model_config_file")
    if "://" not in path:
        path = str(Path(path).absolute())
        if Path(path).exists() and not Path(path).is_dir():
            raise UserError(f"--model_base_path={config.model_base_path} is no folder")
        if any((Path(path) / f"saved_model.{kind}").exists() for kind in ("pb", "pbtxt")):
            raise UserError(
                f"--model_base_path={config.model_base_path} is a SavedModel itself; give the "
                "folder above it, where each version lies in a folder named as its number"
            )
    return model_config.single_model(config.model_name, path)


def channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """Names and values of `name=value,name=value`; values that are whole numbers become such.

    Raises:
        UserError: a part has no name or no `=`.
    """
    arguments: list[tuple[str, int | str]] = []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise UserError(f"--grpc_channel_arguments: {part!r} is not of the form name=value")
        try:
            arguments.append((name, int(value)))
        except ValueError:
            arguments.append((name, value))
    return arguments


def _announce(config: Config, server: "ModelServer") -> None:
    print(f"Running gRPC ModelServer at {server.address} ...", flush=True)
    if config.grpc_socket_path:
        print(f"Running gRPC ModelServer at UNIX socket {config.grpc_socket_path} ...", flush=True)
    if server.rest_endpoint:
        print(f"Exporting HTTP/REST API at:{server.rest_endpoint} ...", flush=True)


def _set_up_logging() -> None:
    import tensorflow as tf

    absl_logging.set_verbosity(absl_logging.INFO)
    tf.get_logger().setLevel(logging.ERROR)
    # A stranger's bytes that are no message are answered, not logged at length.
    logging.getLogger("grpc._common").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    # Each failed request would add TensorFlow's own warning to what the caller is told.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A port that is taken is told in this server's own line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    run(main, Config, pass_unknown=True)
