"""Runs the embedded server in a process of its own, for tests and scripts."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

_GRPC_READY = re.compile(r"Running gRPC ModelServer at \S+:(\d+)")
_REST_READY = re.compile(r"Exporting HTTP/REST API at:\S+:(\d+)")


class ServerProcess:
    """`python -m serving.server` as a child process.

    Example:
        with ServerProcess(model_name="tags", model_base_path="models/tags") as server:
            client = HashtagClient(server.endpoint, "tags")

    Args:
        env: environment of the process; this one's by default.
        rest: serve REST too, on any free port unless `rest_api_port` is given.
        flags: flags of `serving.server`; any free port unless `port` is given.

    Attributes:
        port: of the gRPC API, once started.
        rest_port: of the REST API, once started, if there is one.
    """

    def __init__(
        self, *, env: Mapping[str, str] | None = None, rest: bool = False, **flags: object
    ) -> None:
        self._flags: dict[str, object] = {"port": 0, **flags}
        if rest:
            with socket.socket() as probe:
                probe.bind(("localhost", 0))
                self._flags.setdefault("rest_api_port", probe.getsockname()[1])
        self._env = env
        self._process: subprocess.Popen[str] | None = None
        self.port: int | None = None
        self.rest_port: int | None = None

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._started().pid

    @property
    def endpoint(self) -> str:
        """Where clients reach it, such as `localhost:8500`."""
        self._started()
        return f"localhost:{self.port}"

    @property
    def rest_endpoint(self) -> str:
        """Where clients reach its REST API, such as `localhost:8501`."""
        self._started()
        return f"localhost:{self.rest_port}"

    def start(self, timeout: float = 300.0) -> None:
        """Starts the process and waits until it answers; it is ended if anything goes wrong.

        Raises:
            RuntimeError: the process ended instead; standard error says why.
            TimeoutError: it did not answer within `timeout` seconds.
        """
        arguments = [f"--{name}={value}" for name, value in self._flags.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "serving.server", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=None if self._env is None else dict(self._env),
        )
        deadline = time.monotonic() + timeout
        timer = threading.Timer(timeout, self._process.kill)
        timer.start()
        try:
            if self._read_ports(self._process):
                return
            status = self.wait()
        except BaseException:
            self._process.kill()
            self.wait()
            raise
        finally:
            timer.cancel()
        if time.monotonic() >= deadline:
            raise TimeoutError(f"the server was not ready within {timeout:g} s")
        raise RuntimeError(f"the server ended with status {status} before it was ready")

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it ends; `subprocess.TimeoutExpired` after `timeout` seconds."""
        process = self._started()
        status = process.wait(timeout)
        if process.stdout is not None:
            process.stdout.close()
        return status

    def stop(self) -> int:
        """Asks the server to finish and waits until it has; its exit status."""
        process = self._started()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        return self.wait()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise RuntimeError("the server has not been started")
        return self._process

    def _read_ports(self, process: "subprocess.Popen[str]") -> bool:
        """Reads what the server prints until it answers; false if it ends before."""
        for line in process.stdout or ():
            if match := _GRPC_READY.search(line):
                self.port = int(match[1])
            elif match := _REST_READY.search(line):
                self.rest_port = int(match[1])
            # The line of the last port to open is also the last to be printed.
            if self.rest_port or (self.port and not self._flags.get("rest_api_port")):
                return True
        return False

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
