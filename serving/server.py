"""Serves models over gRPC with the flags and the behaviour of tensorflow_model_server.

    python -m serving.server --port=8500 --model_name=tags --model_base_path=/models/tags

Prints one line with its address once the models are loaded and the port is open. SIGTERM and
SIGINT let it finish the calls under way and exit with status 0; a second one ends it at once.
"""

import dataclasses
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

from absl import logging as absl_logging

from tagkeras.commandline import fail, option, run
from tagkeras.errors import UserError

PROGRAM = "python -m serving.server"

# Flags of tensorflow_model_server that this server has not, to be refused by name.
UNSUPPORTED_FLAGS = frozenset(
    """
    batching_parameters_file enable_batching enable_grpc_healthcheck_service
    enable_per_model_batching_parameters enable_profiler enable_serialization_as_tensor_content
    enable_signature_method_name_check flush_filesystem_caches force_allow_any_version_labels
    grpc_channel_arguments grpc_socket_path mixed_precision model_config_file_poll_wait_seconds
    monitoring_config_file num_load_threads num_request_iterations_for_warmup
    num_tflite_interpreters_per_pool num_tflite_pools num_unload_threads
    per_process_gpu_memory_fraction platform_config_file prefer_tflite_model
    remove_unused_fields_from_bundle_metagraph rest_api_enable_cors_support rest_api_num_threads
    rest_api_port rest_api_timeout_in_ms saved_model_tags skip_initialize_tpu ssl_config_file
    tensorflow_inter_op_parallelism tensorflow_intra_op_parallelism
    tensorflow_session_config_file tensorflow_session_parallelism
    thread_pool_factory_config_file total_model_memory_limit_bytes use_alts_credentials
    use_tflite_model version xla_cpu_compilation_enabled xla_gpu_compilation_enabled
    """.split()  # noqa: SIM905 - forty quotes and commas would hide the names
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Flags of the server, named as tensorflow_model_server's."""

    port: int = option(
        8500, help="TCP port for gRPC; 0 takes any free one", minimum=0, maximum=65535
    )
    model_name: str = option("default", help="name of the model")
    model_base_path: str = option(
        "", help="folder that holds the model's versions, each in a folder named as its number"
    )
    model_config_file: str = option(
        "",
        help="ascii ModelServerConfig of several models, version policies and labels; "
        "--model_name and --model_base_path are then ignored",
    )
    file_system_poll_wait_seconds: int = option(
        1, help="seconds between two looks for new versions; 0 looks once", minimum=0
    )
    max_num_load_retries: int = option(
        5, help="further attempts at a version that does not load", minimum=0
    )
    load_retry_interval_micros: int = option(
        60_000_000, help="microseconds between two attempts to load a version"
    )
    grpc_max_threads: int = option(
        4 * (os.cpu_count() or 1), help="calls answered at the same time", minimum=1
    )
    enable_model_warmup: bool = option(
        True, help="replay assets.extra/tf_serving_warmup_requests before a version serves"
    )
    allow_version_labels_for_unavailable_models: bool = option(
        False, help="let a label that is not in use point to a version that is not loaded yet"
    )


def main(config: Config, unknown: list[str]) -> None:
    """Serves until told to stop."""
    _refuse(unknown)
    import tensorflow as tf

    from serving.errors import ServingError
    from serving.model_server import ModelServer
    from serving.models.managed_version import ManagerOptions

    absl_logging.set_verbosity(absl_logging.INFO)
    tf.get_logger().setLevel(logging.ERROR)
    options = ManagerOptions(
        **{field.name: getattr(config, field.name) for field in dataclasses.fields(ManagerOptions)}
    )
    server = ModelServer(
        _models(config), port=config.port, options=options, max_threads=config.grpc_max_threads
    )
    stopping = threading.Event()

    def on_signal(number: int, _: object) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        if server.start(cancelled=stopping.is_set):
            print(f"Running gRPC ModelServer at {server.address} ...", flush=True)
            stopping.wait()
    except ServingError as error:
        raise UserError(f"Failed to start server. Error: {error}") from error
    finally:
        server.stop()


def _refuse(unknown: list[str]) -> None:
    if not unknown:
        return
    name = unknown[0].split("=")[0]
    bare = name.lstrip("-")
    if {bare, bare.removeprefix("no")} & UNSUPPORTED_FLAGS:
        message = f"{name} of tensorflow_model_server is not supported by this server"
    elif name.startswith("-"):
        message = f"unknown flag {name}"
    else:
        message = f"unexpected argument {name!r}; options are given as --name=value"
    fail(PROGRAM, f"{message} (--help lists the flags)", status=2)


def _models(config: Config) -> Any:
    from serving.models import model_config

    if config.model_config_file:
        return model_config.read(config.model_config_file)
    path = config.model_base_path
    if not path:
        raise UserError("no model to serve: give --model_base_path or --model_config_file")
    if "://" not in path:
        path = str(Path(path).absolute())
        if not Path(path).is_dir():
            raise UserError(f"--model_base_path={config.model_base_path} is no folder")
        if (Path(path) / "saved_model.pb").exists():
            raise UserError(
                f"--model_base_path={config.model_base_path} is a SavedModel itself; give the "
                "folder above it, where each version lies in a folder named as its number"
            )
    return model_config.single_model(config.model_name, path)


if __name__ == "__main__":
    # Each failed request would add TensorFlow's own warning to what the caller is told.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run(main, Config, pass_unknown=True)
