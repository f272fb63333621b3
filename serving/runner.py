"""Runs the embedded server in a process of its own, for tests and scripts."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType

_READY = re.compile(r"Running gRPC ModelServer at \S+:(\d+)")


class ServerProcess:
    """`python -m serving.server` as a child process.

    Example:
        with ServerProcess(model_name="tags", model_base_path="models/tags") as server:
            client = HashtagClient(server.endpoint, "tags")

    Args:
        env: environment of the process; this one's by default.
        flags: flags of `serving.server`; any free port unless `port` is given.
    """

    def __init__(self, *, env: Mapping[str, str] | None = None, **flags: object) -> None:
        self._flags = {"port": 0, **flags}
        self._env = env
        self._process: subprocess.Popen[str] | None = None
        self.port: int | None = None

    @property
    def endpoint(self) -> str:
        """Where clients reach it, such as `localhost:8500`."""
        if self.port is None:
            raise RuntimeError("the server has not been started")
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Starts the process and waits until it answers.

        Raises:
            RuntimeError: the process ended instead; standard error says why.
        """
        arguments = [f"--{name}={value}" for name, value in self._flags.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "serving.server", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=None if self._env is None else dict(self._env),
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if match := _READY.search(line):
                self.port = int(match[1])
                return
        raise RuntimeError(f"the server ended with status {self.wait()} before it was ready")

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the process to end; its exit status.

        Raises:
            subprocess.TimeoutExpired: it did not end within `timeout` seconds.
        """
        if self._process is None:
            raise RuntimeError("the server has not been started")
        status = self._process.wait(timeout)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status

    def stop(self) -> int:
        """Asks the server to finish and waits until it has; its exit status."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
