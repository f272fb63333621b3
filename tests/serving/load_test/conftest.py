"""The certificates of a server that asks for its clients'."""

import pytest
import trustme


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls_files(authority, tmp_path_factory) -> dict[str, str]:
    """The files of a client that the authority knows."""
    folder = tmp_path_factory.mktemp("tls")
    client = authority.issue_cert("client@example.org")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    client.private_key_pem.write_to_path(folder / "key.pem")
    files = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}
    return {name: str(folder / file) for name, file in files.items()}
