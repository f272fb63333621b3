"""TLS of the gRPC port, as `--ssl_config_file` gives it."""

import os
import ssl
import tempfile
from pathlib import Path

import grpc

from serving.server import text_config
from tagkeras.cli.errors import UserError

_SSLConfig = text_config.define(
    {
        "SSLConfig": {
            "server_key": "string",
            "server_cert": "string",
            "custom_ca": "string",
            "client_verify": "bool",
        }
    }
)["SSLConfig"]


def read_credentials(path: str | os.PathLike[str]) -> grpc.ServerCredentials:
    """The credentials of an ascii `tensorflow.serving.SSLConfig`.

    Raises:
        UserError: the file cannot be read, is no SSLConfig, or holds keys or certificates that
            cannot be used.
    """
    config = text_config.read(
        path,
        _SSLConfig,
        'server_key: "-----BEGIN PRIVATE KEY-----\\n..." '
        'server_cert: "-----BEGIN CERTIFICATE-----\\n..." client_verify: false',
    )
    if config.client_verify and not config.custom_ca:
        raise UserError(
            f"{path}: client_verify needs custom_ca, the certificates that clients are checked by"
        )
    _check(path, config.server_key, config.server_cert, config.custom_ca)
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check(path: str | os.PathLike[str], key: str, certificate: str, authority: str) -> None:
    """Refuses PEM texts that gRPC would fail on without a word."""
    for name, text in (("server_key", key), ("server_cert", certificate)):
        if "-----BEGIN" not in text:
            raise UserError(
                f"{path}: {name} must be the PEM text itself (-----BEGIN ...), not a path"
            )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # private to this user
        key_file, certificate_file = Path(folder, "key.pem"), Path(folder, "cert.pem")
        key_file.write_text(key)
        certificate_file.write_text(certificate)
        try:
            # Without a password, a key that needs one would be asked for at the terminal.
            context.load_cert_chain(certificate_file, key_file, password="")
        except (ssl.SSLError, ValueError) as error:
            raise UserError(
                f"{path}: server_key and server_cert are no PEM key and its certificate: "
                f"{_reason(error)}"
            ) from error
    if authority:
        try:
            context.load_verify_locations(cadata=authority)
        except (ssl.SSLError, ValueError) as error:
            raise UserError(f"{path}: custom_ca is no PEM certificate: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """OpenSSL's reason in words, such as `key values mismatch`."""
    reason = getattr(error, "reason", None)
    return reason.replace("_", " ").lower() if reason else str(error)
