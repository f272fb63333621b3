"""Which models to serve: a ModelServerConfig from flags, from a file or from a reload request."""

import os
from collections.abc import Callable, Mapping

from tensorflow_serving.config import model_server_config_pb2

from serving.server import config_files
from serving.server.errors import failed_precondition, invalid_argument

PLATFORM = "tensorflow"

# Versions by label, by model.
Labels = Mapping[str, Mapping[str, int]]


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """The config of one model with the default policy, the latest version."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def read(path: str | os.PathLike[str]) -> model_server_config_pb2.ModelServerConfig:
    """Reads an ascii ModelServerConfig; `UserError` if the file is not one or unreadable."""
    return config_files.read(
        path,
        model_server_config_pb2.ModelServerConfig(),
        'model_config_list { config { name: "m" base_path: "/models/m" '
        'model_platform: "tensorflow" } }',
    )


def check(
    old: model_server_config_pb2.ModelServerConfig, new: model_server_config_pb2.ModelServerConfig
) -> None:
    """Raises the ServingError of `ServerCore::ReloadConfig` if `new` cannot follow `old`.

    A first config may be empty: its server serves nothing until another one is reloaded.
    """
    if new.WhichOneof("config") != "model_config_list":
        if old.WhichOneof("config") is None:
            if new.WhichOneof("config") is None:
                return
            raise invalid_argument("Invalid ServerModelConfig: only model_config_list is supported")
        raise failed_precondition(
            "Cannot transition to requested config. It is only legal to transition from one "
            "ModelConfigList to another."
        )
    names = set()
    for model in new.model_config_list.config:
        if model.name in names:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        names.add(model.name)
        if "://" not in model.base_path and not model.base_path.startswith("/"):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got "
                f"base_path()={model.base_path}"
            )
        _check_platform(model)


def assign_labels(
    config: model_server_config_pb2.ModelServerConfig,
    old: Labels,
    is_available: Callable[[str, int], bool],
    *,
    allow_unavailable: bool = False,
) -> Labels:
    """The labels of a config that follows one with the labels `old`.

    With `allow_unavailable`, a label not in use may point to a version that cannot answer yet;
    otherwise that is `FAILED_PRECONDITION`.
    """
    labels: dict[str, dict[str, int]] = {}
    for model in config.model_config_list.config:
        in_use = old.get(model.name, {})
        for label, version in model.version_labels.items():
            # A label in use never moves to a version that could not answer.
            early = allow_unavailable and in_use.get(label, version) == version
            if not early and not is_available(model.name, version):
                raise failed_precondition(
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference"
                )
            labels.setdefault(model.name, {})[label] = version
    return labels


def _check_platform(model: model_server_config_pb2.ModelConfig) -> None:
    types = model_server_config_pb2.ModelType
    if model.model_type != types.MODEL_TYPE_UNSPECIFIED:  # deprecated
        if model.model_platform:
            raise invalid_argument(
                "Illegal setting both model_type (deprecated) and model_platform"
            )
        if model.model_type != types.TENSORFLOW:
            raise invalid_argument(f"model_type choice {model.model_type} not supported.")
    elif not model.model_platform:
        raise invalid_argument("Illegal setting neither model_type (deprecated) nor model_platform")
    elif model.model_platform != PLATFORM:
        raise invalid_argument(
            f"Model {model.name} requests unsupported platform {model.model_platform}"
        )
