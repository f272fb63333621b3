"""What every client is told of the model that it asks."""

import abc

from serving.client.retries import MAX_ATTEMPTS
from serving.client.served_model import ServedModel
from serving.client.tls import Tls


class ModelClient(abc.ABC):
    """A client of one served model.

    Args:
        server: address of the API.
        model: the model's name.
        version: ask this version; by default the newest.
        version_label: ask the version with this label, instead of `version`.
        timeout: seconds that a call may take, repeats included.
        attempts: how often a call is tried while the server is unavailable, 1 to 5.
        tls: encrypt the connection, with these files.
    """

    def __init__(
        self,
        server: str,
        model: str,
        *,
        version: int | None = None,
        version_label: str | None = None,
        timeout: float = 30.0,
        attempts: int = MAX_ATTEMPTS,
        tls: Tls | None = None,
    ) -> None:
        self._served = ServedModel(
            server=server,
            model=model,
            version=version,
            version_label=version_label,
            timeout=timeout,
            attempts=attempts,
            tls=tls,
        )
        self._open()

    @abc.abstractmethod
    def _open(self) -> None:
        """Prepares the connections."""
