"""The files of an encrypted connection."""

import dataclasses
import os
import ssl
from pathlib import Path

from tagkeras.cli.errors import UserError

FileName = str | os.PathLike[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tls:
    """Encrypts the connection and checks that the server is who it claims to be.

    Attributes:
        ca: PEM file of the certificate authorities to trust; by default the well-known ones.
        certificate: PEM file of the client's own certificate, for servers that ask for one.
        key: PEM file of its private key; `UserError` if one comes without the other.
    """

    ca: FileName | None = None
    certificate: FileName | None = None
    key: FileName | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise UserError("a client's certificate and its key go together: give both or neither")
        self.contents()

    def contents(self) -> list[bytes | None]:
        """The contents of `ca`, `key` and `certificate`; None for those not given."""
        files = (self.ca, self.key, self.certificate)
        try:
            return [None if file is None else Path(file).read_bytes() for file in files]
        except OSError as error:
            raise UserError(
                f"cannot read the TLS file {error.filename}: {error.strerror}"
            ) from error

    def ssl_context(self) -> ssl.SSLContext:
        """The context of an HTTPS connection; `UserError` for files that are not PEM."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except ssl.SSLError as error:
            names = ", ".join(str(name) for name in (self.ca, self.certificate, self.key) if name)
            raise UserError(
                f"the TLS files {names} are not PEM or do not match: {error}"
            ) from error
        return context
