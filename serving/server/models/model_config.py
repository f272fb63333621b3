"""Which models to serve: a ModelServerConfig from flags, from a file or from a reload request."""

import os
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import failed_precondition, invalid_argument
from tagkeras.cli.errors import UserError

PLATFORM = "tensorflow"


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """The config of one model with the default policy, the latest version."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def read(path: str | os.PathLike[str]) -> model_server_config_pb2.ModelServerConfig:
    """Reads an ascii ModelServerConfig.

    Raises:
        UserError: the file cannot be read or is no ModelServerConfig.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the model config file {path}: {error}") from error
    try:
        return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise UserError(
            f"Invalid protobuf file: '{path}': {error}; it must be an ascii ModelServerConfig, "
            'such as model_config_list { config { name: "m" base_path: "/models/m" '
            'model_platform: "tensorflow" } }'
        ) from error


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
    for model in new.model_config_list.config:
        if "://" not in model.base_path and not model.base_path.startswith("/"):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got "
                f"base_path()={model.base_path}"
            )
        _check_platform(model)


def _check_platform(model: model_server_config_pb2.ModelConfig) -> None:
    types = model_server_config_pb2.ModelType
    platform = model.model_platform
    if model.model_type != types.MODEL_TYPE_UNSPECIFIED:
        if platform:
            raise invalid_argument(
                "Illegal setting both ModelServerConfig::model_type (deprecated) and "
                "ModelServerConfig::model_platform."
            )
        if model.model_type != types.TENSORFLOW:
            raise invalid_argument(
                f"ModelServerConfig::model_type choice {model.model_type} not supported."
            )
        platform = PLATFORM
    if not platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform."
        )
    if platform != PLATFORM:
        raise invalid_argument(f"Model {model.name} requests unsupported platform {platform}")
