"""The HTTP server of the REST API."""

import logging
import resource
import socket
import threading
import time
from typing import Any

import grpc
import waitress.channel
import waitress.parser
import waitress.server
import waitress.task

from serving.server.errors import ServingError
from serving.server.flags import REST_THREADS
from serving.server.rest_api import json_responses
from serving.server.rest_api.application import RestApplication

# A tensor takes up to 2 GiB, and more as JSON; what is larger than this is a mistake.
_MAX_BODY_BYTES = 2**33
# Bodies and answers up to this size are kept in memory, larger ones in temporary files.
_BUFFER_BYTES = 2**24
_RECEIVE_BYTES = 2**16
_MAX_CONNECTIONS = 10_000
# How often a stopping server checks whether everything is answered.
_DRAIN_CHECK_SECONDS = 0.02
_BACKLOG = 1024


class RestServer:
    """Serves an application over HTTP; `host`, `port` and `num_threads` are as of `ModelServer`.

    One thread reads requests and writes answers for all connections, so that a slow client keeps
    no other waiting; the threads of a pool compute, a request each.
    """

    def __init__(
        self,
        application: RestApplication,
        host: str = "0.0.0.0",
        port: int = 0,
        num_threads: int = REST_THREADS,
    ) -> None:
        self.port = port
        self._host = host
        self._num_threads = num_threads
        self._application = application
        self._listener: socket.socket | None = None
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def listen(self) -> None:
        """Opens the port, `UNAVAILABLE` if it is taken; requests wait until `start`."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._listener = socket.create_server(
                (self._host, self.port), family=family, backlog=_BACKLOG
            )
        except OSError as error:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE,
                f"cannot listen on {self._host}:{self.port}; is the port taken?",
            ) from error
        self.port = self._listener.getsockname()[1]

    def start(self) -> None:
        """Answers requests from now on, those that wait since `listen` first."""
        # Waitress would warn of every request that finds all threads at work.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server = waitress.server.create_server(
            self._application,
            sockets=[self._listener],
            threads=self._num_threads,
            ident=None,
            backlog=_BACKLOG,
            connection_limit=_connection_limit(),
            max_request_body_size=_MAX_BODY_BYTES,
            inbuf_overflow=_BUFFER_BYTES,
            outbuf_overflow=_BUFFER_BYTES,
            recv_bytes=_RECEIVE_BYTES,
            asyncore_use_poll=True,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,
        )
        self._server.channel_class = _HttpChannel
        self._thread = threading.Thread(target=self._server.run, name="rest-server", daemon=True)
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Takes no more requests, gives those received `grace` seconds, closes every connection."""
        if self._thread is None:
            if self._listener:
                self._listener.close()
            return
        deadline = time.monotonic() + grace
        drained = threading.Event()
        self._in_loop(self._stop_listening)
        while True:
            self._in_loop(lambda: self._close_idle(drained))
            left = deadline - time.monotonic()
            if left <= 0 or drained.wait(min(_DRAIN_CHECK_SECONDS, left)):
                break
        self._in_loop(self._close)
        self._thread.join()
        self._thread = None
        dispatcher = self._server.task_dispatcher
        dispatcher.shutdown(timeout=max(0.0, deadline - time.monotonic()))
        if not dispatcher.threads:  # one that computes on would pull the trigger yet
            self._server.trigger.close()

    def _in_loop(self, call: Any) -> None:
        """Makes a call in the thread of the connections, which alone may touch them."""
        self._server.trigger.pull_trigger(call)

    def _stop_listening(self) -> None:
        # Closing the server would also close the trigger, by which the loop is reached.
        self._server.del_channel()
        self._server.accepting = False
        self._server.socket.close()

    def _close_idle(self, drained: threading.Event) -> None:
        channels = list(self._server.active_channels.values())
        for channel in channels:
            if not channel.requests and not channel.total_outbufs_len:
                channel.handle_close()
        if not self._server.active_channels:
            drained.set()

    def _close(self) -> None:
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        self._server.trigger.del_channel()  # the last of the loop's, which thereby ends


class _Parser(waitress.parser.HTTPRequestParser):
    """Reads a request; a URI that Python cannot take apart is a bad request like others."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise waitress.parser.ParsingError("Bad URI") from error


class _ErrorTask(waitress.task.ErrorTask):
    """Answers a request that is no HTTP, in JSON, and closes the connection."""

    def execute(self) -> None:
        error: Any = self.request.error
        body = json_responses.error(f"{error.reason}: {error.body}")
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _HttpChannel(waitress.channel.HTTPChannel):
    """A client's connection."""

    parser_class = _Parser
    error_task_class = _ErrorTask


def _connection_limit() -> int:
    """As many connections as there are file descriptors for, some left for the models' files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(100, min(_MAX_CONNECTIONS, soft // 2))
