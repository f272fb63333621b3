"""The flags of `python -m serving.server`: those of tensorflow_model_server."""

import dataclasses
import difflib
import os
from collections.abc import Sequence

from absl import flags

from tagkeras.cli.commandline import option

REST_THREADS = 4 * (os.cpu_count() or 1)
# Threads wait for the session most of the time, and a graph that batches calls needs many that do:
# the original's 4 per processor would make small batches.
GRPC_THREADS = 128

_PLATFORM = "models run on TensorFlow's defaults here"
_TFLITE = "TensorFlow Lite models are not served here"
_PROFILER = "use TensorFlow's own profiler on the model"
_OTHER_HARDWARE = "models run on this machine's processors here"

# Flags of tensorflow_model_server that this server does not have, and what to do instead.
UNSUPPORTED = {
    "enable_per_model_batching_parameters": "calls are batched in the graph",
    "enable_profiler": _PROFILER,
    "flush_filesystem_caches": "the operating system frees its caches when memory is short",
    "force_allow_any_version_labels_for_unavailable_models": (
        "see --allow_version_labels_for_unavailable_models"
    ),
    "mixed_precision": "export the model with the precision that it is to have",
    "num_tflite_interpreters_per_pool": _TFLITE,
    "num_tflite_pools": _TFLITE,
    "per_process_gpu_memory_fraction": _OTHER_HARDWARE,
    "platform_config_file": _PLATFORM,
    "prefer_tflite_model": _TFLITE,
    "remove_unused_fields_from_bundle_metagraph": "the fields are kept, and harm nothing",
    "saved_model_tags": "models are loaded by the tag `serve`",
    "skip_initialize_tpu": _OTHER_HARDWARE,
    "tensorflow_session_config_file": _PLATFORM,
    "thread_pool_factory_config_file": _PLATFORM,
    "total_model_memory_limit_bytes": "limit the memory of the process instead",
    "use_alts_credentials": "see --ssl_config_file",
    "use_tflite_model": _TFLITE,
    "xla_cpu_compilation_enabled": "compile the model before it is exported",
    "xla_gpu_compilation_enabled": "compile the model before it is exported",
}

# Values that ask for what this server does anyway: for most of them, to leave something out.
_OFF = frozenset({"", "0", "false"})
_HARMLESS = {
    "saved_model_tags": frozenset({"serve"}),
    "total_model_memory_limit_bytes": frozenset[str](),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ManagerOptions:
    """How versions are found and loaded."""

    file_system_poll_wait_seconds: float = option(
        1, help="seconds between two polls for new versions; 0 polls once", minimum=0
    )
    num_load_threads: int = option(
        0, help="versions loaded at the same time; 0 is one per processor", minimum=0
    )
    num_unload_threads: int = option(
        0, help="versions freed at the same time; 0 is one per processor", minimum=0
    )
    max_num_load_retries: int = option(
        5, help="further attempts at a version that does not load", minimum=0
    )
    load_retry_interval_micros: int = option(
        60_000_000, help="microseconds between two attempts to load a version"
    )
    allow_version_labels_for_unavailable_models: bool = option(
        False, help="let a label that is not in use point to a version that is not loaded yet"
    )
    enable_model_warmup: bool = option(
        True, help="replay assets.extra/tf_serving_warmup_requests before a version serves"
    )
    num_request_iterations_for_warmup: int = option(
        0, help="how often each warm-up request is replayed; 0 is once", minimum=0
    )
    enable_signature_method_name_check: bool = option(
        False, help="refuse calls that do not suit the method_name of their signature"
    )
    tensorflow_session_parallelism: int = option(
        0, help="threads for both of the following flags where they are 0", minimum=0
    )
    tensorflow_intra_op_parallelism: int = option(
        0,
        help="threads that share one operation, of all models together; 0 is one per processor",
        minimum=0,
    )
    tensorflow_inter_op_parallelism: int = option(
        0, help="threads that run operations side by side; 0 is one per processor", minimum=0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(ManagerOptions):
    """Flags of the server, named as tensorflow_model_server's."""

    port: int = option(
        8500, help="TCP port for gRPC; 0 takes any free one", minimum=0, maximum=65535
    )
    grpc_socket_path: str = option("", help="UNIX socket on which to serve gRPC as well")
    rest_api_port: int = option(
        0, help="TCP port for HTTP/REST; 0 serves no REST", minimum=0, maximum=65535
    )
    rest_api_num_threads: int = option(
        REST_THREADS, help="REST requests answered at the same time", minimum=1
    )
    rest_api_timeout_in_ms: int = option(
        30_000, help="milliseconds for the computation of a REST request; 0 is no limit", minimum=0
    )
    rest_api_enable_cors_support: bool = option(
        False, help="let web pages of any origin ask over REST"
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
    model_config_file_poll_wait_seconds: int = option(
        0, help="seconds between two reads of --model_config_file; 0 reads it once", minimum=0
    )
    enable_batching: bool = option(
        False, help="accepted, and changes nothing: calls are batched in the graph"
    )
    batching_parameters_file: str = option("", help="accepted as --enable_batching is")
    monitoring_config_file: str = option(
        "", help="ascii MonitoringConfig: where the REST port shows metrics to Prometheus"
    )
    ssl_config_file: str = option("", help="ascii SSLConfig: serve gRPC over TLS")
    grpc_max_threads: int = option(
        GRPC_THREADS, help="gRPC calls answered at the same time", minimum=1
    )
    grpc_channel_arguments: str = option(
        "", help="settings of gRPC itself, such as grpc.max_connection_age_ms=2000, with commas"
    )
    enable_grpc_healthcheck_service: bool = option(
        False, help="answer the standard health checks of gRPC"
    )
    enable_serialization_as_tensor_content: bool = option(
        False, help="answer Predict over gRPC in tensor_content instead of the typed fields"
    )
    version: bool = option(False, help="print the versions and exit")


def refusal(unknown: Sequence[str]) -> str | None:
    """What to say of arguments that are not among `Config`'s; None if they change nothing."""
    return next(filter(None, map(_refusal, unknown)), None)


def _refusal(argument: str) -> str | None:
    name, equals, value = argument.partition("=")
    flag = given = name.lstrip("-")
    if given == name:
        return f"unexpected argument {name!r}; options are given as --name=value"
    if not equals:
        is_off = given not in UNSUPPORTED and given.startswith("no")
        flag, value = (given.removeprefix("no"), "false") if is_off else (given, "true")
    if flag not in UNSUPPORTED:
        names = [field.name for field in dataclasses.fields(Config)]
        near = difflib.get_close_matches(given, names)
        return str(flags.UnrecognizedFlagError(given, suggestions=near))
    if value.lower() in _HARMLESS.get(flag, _OFF):
        return None
    return f"{name} of tensorflow_model_server is not supported by this server: {UNSUPPORTED[flag]}"
