"""Encrypted servers, some of which ask for the client's certificate."""

import ssl

import pytest
from fake_servers import grpc_credentials, grpc_server, rest_server


@pytest.fixture
def fake_tls(authority):
    with grpc_server(grpc_credentials(authority, ask=False)) as service:
        yield service


@pytest.fixture
def fake_mutual_tls(authority):
    with grpc_server(grpc_credentials(authority, ask=True)) as service:
        yield service


@pytest.fixture
def fake_https(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with rest_server(context) as server:
        yield server


@pytest.fixture
def fake_mutual_https(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses a client before it has sent a word
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with rest_server(context) as server:
        yield server
