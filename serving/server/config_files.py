"""Config files of tensorflow_model_server, each an ascii protocol buffer."""

import os
import ssl
import tempfile
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

from tagkeras.cli.errors import UserError

MessageT = TypeVar("MessageT", bound=Message)

DEFAULT_MONITORING_PATH = "/monitoring/prometheus/metrics"

# `tensorflow-serving-api` ships the code of other messages, but not of these.
_PROTO = """
    name: "serving/server/config_files.proto" package: "tensorflow.serving" syntax: "proto3"
    message_type {
      name: "SSLConfig"
      field { name: "server_key" number: 1 type: TYPE_STRING }
      field { name: "server_cert" number: 2 type: TYPE_STRING }
      field { name: "custom_ca" number: 3 type: TYPE_STRING }
      field { name: "client_verify" number: 4 type: TYPE_BOOL }
    }
    message_type {
      name: "PrometheusConfig"
      field { name: "enable" number: 1 type: TYPE_BOOL }
      field { name: "path" number: 2 type: TYPE_STRING }
    }
    message_type {
      name: "MonitoringConfig"
      field {
        name: "prometheus_config" number: 1 type: TYPE_MESSAGE
        type_name: ".tensorflow.serving.PrometheusConfig"
      }
    }
"""
_pool = descriptor_pool.DescriptorPool()
_pool.Add(text_format.Parse(_PROTO, descriptor_pb2.FileDescriptorProto()))
SSLConfig, MonitoringConfig = (
    message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))
    for name in ("SSLConfig", "MonitoringConfig")
)


def read(path: str | os.PathLike[str], message: MessageT, example: str) -> MessageT:
    """Reads an ascii protocol buffer from a file into an empty `message` and returns it.

    `example` is such a message in few words, for the `UserError` if the file cannot be read or
    parsed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the config file {path}: {error}") from error
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise UserError(
            f"cannot parse the config file {path}: {error}; it must be an ascii "
            f"{message.DESCRIPTOR.name}, such as {example}"
        ) from error


def read_monitoring_path(path: str | os.PathLike[str]) -> str | None:
    """The path of the metrics that a MonitoringConfig enables, or None; `UserError` as `read`."""
    example = f'prometheus_config {{ enable: true path: "{DEFAULT_MONITORING_PATH}" }}'
    prometheus = read(path, MonitoringConfig(), example).prometheus_config
    return (prometheus.path or DEFAULT_MONITORING_PATH) if prometheus.enable else None


def read_credentials(path: str | os.PathLike[str]) -> grpc.ServerCredentials:
    """The credentials of an SSLConfig; `UserError` as `read`, and for keys that do not work."""
    config = read(
        path,
        SSLConfig(),
        'server_key: "-----BEGIN PRIVATE KEY-----\\n..." '
        'server_cert: "-----BEGIN CERTIFICATE-----\\n..." client_verify: false',
    )
    if config.client_verify and not config.custom_ca:
        raise UserError(
            f"{path}: client_verify needs custom_ca, the certificates that clients are checked by"
        )
    _check_pem(path, config.server_key, config.server_cert, config.custom_ca)
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check_pem(path: str | os.PathLike[str], key: str, certificate: str, authority: str) -> None:
    """Refuses PEM texts that gRPC would fail on without a word."""
    for name, text in (("server_key", key), ("server_cert", certificate)):
        if "-----BEGIN" not in text:
            raise UserError(
                f"{path}: {name} must be the PEM text itself (-----BEGIN ...), not a path"
            )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    problem = "server_key and server_cert are no PEM key and its certificate"
    try:
        with tempfile.TemporaryDirectory() as folder:  # private to this user
            key_file, certificate_file = Path(folder, "key.pem"), Path(folder, "cert.pem")
            key_file.write_text(key)
            certificate_file.write_text(certificate)
            # Without a password, a key that needs one would be asked for at the terminal.
            context.load_cert_chain(certificate_file, key_file, password="")
        if authority:
            problem = "custom_ca is no PEM certificate"
            context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None)  # of OpenSSL, such as KEY_VALUES_MISMATCH
        words = reason.replace("_", " ").lower() if reason else str(error)
        raise UserError(f"{path}: {problem}: {words}") from error
