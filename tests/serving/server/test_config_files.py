"""Config files, good and bad, and what is said of the bad ones."""

import re
import subprocess

import pytest
import trustme
from serving_helpers import pem, write_ssl_config

from serving.server.config_files import (
    DEFAULT_MONITORING_PATH,
    read_credentials,
    read_monitoring_path,
)
from serving.server.models import model_config
from tagkeras.cli.errors import UserError


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("prometheus_config { enable: true }", DEFAULT_MONITORING_PATH),
        ('# ours\nprometheus_config: <path: "/metrics" enable: true>', "/metrics"),
    ],
)
def test_where_metrics_are_shown(tmp_path, text, path):
    (tmp_path / "monitoring.config").write_text(text)
    assert read_monitoring_path(tmp_path / "monitoring.config") == path


@pytest.mark.parametrize("read", [read_monitoring_path, read_credentials, model_config.read])
def test_a_file_that_cannot_be_parsed_or_read_is_named(tmp_path, read):
    path = tmp_path / "bad.config"
    for content, words in [
        (b"model_config_list { config {", "cannot parse the config file"),
        (b"unknown_field: 1", 'no field named "unknown_field"'),
        (b"\xff\xfe", "cannot read the config file"),
    ]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=words) as caught:
            read(path)
        assert str(path) in str(caught.value)
    path.unlink()
    with pytest.raises(UserError, match="cannot read the config file"):
        read(path)


def test_keys_and_certificates_that_cannot_be_used(tmp_path):
    authority = trustme.CA()
    key, chain = pem(authority.issue_cert("localhost"))
    other_key, _ = pem(authority.issue_cert("other"))
    command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:secret"]
    locked = subprocess.check_output(command, input=key, text=True)
    for made, words in [
        ({"key": "key.pem", "cert": chain}, "server_key must be the PEM text itself"),
        ({"key": other_key, "cert": chain}, "key values mismatch"),
        ({"key": locked, "cert": chain}, "are no PEM key"),  # asks for no password
        ({"key": key, "cert": chain, "authority": "x"}, "custom_ca is no PEM certificate"),
        ({"key": key, "cert": chain, "verify": True}, "client_verify needs custom_ca"),
    ]:
        with pytest.raises(UserError, match=re.escape(words)) as caught:
            read_credentials(write_ssl_config(tmp_path, **made))
        assert "ssl.config" in str(caught.value)
