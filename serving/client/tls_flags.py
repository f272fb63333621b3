"""The flags of a command that encrypts its connection."""

import dataclasses

from serving.client.tls import Tls
from tagkeras.cli.commandline import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class TlsFlags:
    """What the `Config` of a command that asks a server inherits."""

    tls: bool = option(
        False,
        help="encrypt gRPC and trust the well-known certificate authorities; --tls_ca and "
        "--tls_cert encrypt too, and so does https://",
    )
    tls_ca: str | None = option(None, help="PEM file of the certificate authorities to trust")
    tls_cert: str | None = option(None, help="PEM file of the client's certificate")
    tls_key: str | None = option(None, help="PEM file of the client certificate's private key")

    def tls_files(self) -> Tls | None:
        """What the flags ask for; None where they ask for nothing. `UserError` as of `Tls`."""
        if self.tls or self.tls_ca or self.tls_cert or self.tls_key:
            return Tls(ca=self.tls_ca, certificate=self.tls_cert, key=self.tls_key)
        return None
