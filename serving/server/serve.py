"""From the flags to a server that runs until SIGTERM or SIGINT."""

import contextlib
import gc
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from absl import logging as absl_logging
from tensorflow_serving.config import model_server_config_pb2

from serving.server import config_files
from serving.server.errors import ServingError
from serving.server.flags import Config
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.stop_signals import stop_signals
from tagkeras.cli.errors import UserError

_log = logging.getLogger(__name__)


def serve(config: Config) -> None:
    """Loads the models, opens the ports, and serves until SIGTERM or SIGINT.

    `UserError` if the flags or files are bad, a model does not load, or a port is taken.
    """
    absl_logging.set_verbosity(absl_logging.INFO)
    tf.get_logger().setLevel(logging.ERROR)
    # gRPC would log a traceback for every request whose bytes are no message.
    logging.getLogger("grpc._common").setLevel(logging.CRITICAL)
    if config.enable_batching or config.batching_parameters_file:
        print(
            "--enable_batching and --batching_parameters_file change nothing here: calls are "
            "batched in the graph of an export with --max_batch_size",
            flush=True,
        )
    server = build(config)
    stopping = stop_signals()
    # Keeps the garbage collector from traversing TensorFlow's modules again and again. Models are
    # loaded later, and can be freed.
    gc.collect()
    gc.freeze()
    try:
        if server.start(cancelled=stopping.is_set):
            print(f"Running gRPC ModelServer at {server.address} ...", flush=True)
            if path := config.grpc_socket_path:
                print(f"Running gRPC ModelServer at UNIX socket {path} ...", flush=True)
            if server.rest_endpoint:
                print(f"Exporting HTTP/REST API at:{server.rest_endpoint} ...", flush=True)
            path, seconds = config.model_config_file, config.model_config_file_poll_wait_seconds
            following = follow_config(server.manager, path, seconds)
            with following if path and seconds else contextlib.nullcontext():
                stopping.wait()
    except ServingError as error:
        raise UserError(f"Failed to start server. Error: {error}") from error
    finally:
        server.stop()


def build(config: Config) -> ModelServer:
    """The server that the flags describe, not started; `UserError` for bad flags or files."""
    if config.rest_api_port and config.rest_api_port == config.port:
        raise UserError(f"--rest_api_port={config.port} is --port, too; give another")
    if config.monitoring_config_file and not config.rest_api_port:
        raise UserError("--monitoring_config_file shows metrics on --rest_api_port; give one")
    monitoring_path = credentials = None
    if config.monitoring_config_file:
        monitoring_path = config_files.read_monitoring_path(config.monitoring_config_file)
    if config.ssl_config_file:
        credentials = config_files.read_credentials(config.ssl_config_file)
    return ModelServer(
        models(config),
        port=config.port,
        options=config,
        max_threads=config.grpc_max_threads,
        rest_port=config.rest_api_port or None,
        rest_timeout=config.rest_api_timeout_in_ms / 1000,
        rest_threads=config.rest_api_num_threads,
        cors=config.rest_api_enable_cors_support,
        socket_path=config.grpc_socket_path or None,
        credentials=credentials,
        channel_arguments=channel_arguments(config.grpc_channel_arguments),
        monitoring_path=monitoring_path,
        health=config.enable_grpc_healthcheck_service,
        tensor_content=config.enable_serialization_as_tensor_content,
    )


def models(config: Config) -> model_server_config_pb2.ModelServerConfig:
    """The models that the flags name; `UserError` if there are none or they cannot be served."""
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
    """Parses `name=value,name=value`, with integers where possible; `UserError` if malformed."""
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


@contextlib.contextmanager
def follow_config(
    manager: ModelManager, path: str | os.PathLike[str], seconds: float
) -> Iterator[None]:
    """Re-reads an ascii ModelServerConfig every few seconds and hands changes to its manager.

    A file that cannot be read or a config that is refused is logged, once, and the old config
    stays. Ends with the block.
    """
    stopping = threading.Event()

    def poll() -> None:
        logged = ""
        while not stopping.wait(seconds):
            problem = ""
            try:
                config = model_config.read(path)
                if config != manager.config:
                    manager.reload(config, stopping.is_set)
                    _log.info("Reloaded the model config file %s", path)
            except UserError as error:
                problem = f"Failed to read ModelServerConfig file: {error}"
            except ServingError as error:
                problem = f"Failed to reload ModelServerConfig file {path}: {error}"
            if problem and problem != logged:
                _log.error("%s", problem)
            logged = problem

    thread = threading.Thread(target=poll, name="config-poller", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
