"""Servers that fail as told, plain and encrypted."""

import contextlib
import http.server
import json
import ssl
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
from serving_helpers import WAIT
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import tensors
from serving.server.model_server import MESSAGE_OPTIONS


class FakeService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Fails as often as told, then answers; remembers the requests."""

    def __init__(self):
        self.failures = []
        self.words = "a moment please"
        self.requests = []
        self.outputs = {"hashtags": [[b"x"]], "scores": [[1.0]]}
        self.together = None
        self._open = threading.Event()
        self._open.set()

    def Predict(self, request, context):  # noqa: N802
        self.requests.append(request)
        if self.together:
            self.together.wait(WAIT)
        self._open.wait(WAIT)
        if self.failures:
            context.abort(self.failures.pop(0), self.words)
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 9
        for name, rows in self.outputs.items():
            kind = object if name == "hashtags" else np.float32
            response.outputs[name].CopyFrom(tensors.to_proto(np.array(rows, kind)))
        return response

    @contextlib.contextmanager
    def held(self):
        """Answers nothing in the meantime."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()


@contextlib.contextmanager
def _grpc_server(credentials=None):
    service = FakeService()
    server = grpc.server(futures.ThreadPoolExecutor(8), options=MESSAGE_OPTIONS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    if credentials is None:
        port = server.add_insecure_port("localhost:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    service.endpoint = f"localhost:{port}"
    server.start()
    yield service
    server.stop(None)


@pytest.fixture
def fake():
    with _grpc_server() as service:
        yield service


def _grpc_credentials(authority, *, ask):
    own = authority.issue_cert("localhost")
    pair = (own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())
    return grpc.ssl_server_credentials(
        [pair], authority.cert_pem.bytes() if ask else None, require_client_auth=ask
    )


@pytest.fixture
def fake_tls(authority):
    with _grpc_server(_grpc_credentials(authority, ask=False)) as service:
        yield service


@pytest.fixture
def fake_mutual_tls(authority):
    with _grpc_server(_grpc_credentials(authority, ask=True)) as service:
        yield service


class FakeRest(http.server.ThreadingHTTPServer):
    """Answers version 9 of a model; first whatever `replies` tells. Remembers the requests.

    A reply is a status and a body, or "drop" to close the connection without a word, or "stall" to
    send half an answer and no more.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = []
        self.requests = []
        self.bodies = []
        self.connections = set()
        self.released = threading.Event()
        self.scheme = "http"

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.server_port}"

    def handle_error(self, request, client_address):
        """Says nothing of clients that hang up."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.endswith("/metadata"):
            self._answer({"model_spec": {"name": "m", "version": "9"}})
        else:
            states = {"9": "AVAILABLE", "10": "LOADING", "8": "AVAILABLE", "11": "END"}
            statuses = [{"version": number, "state": state} for number, state in states.items()]
            self._answer({"model_version_status": statuses})

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"outputs": {"hashtags": [["x"]], "scores": [[1.0]]}})

    def _answer(self, document):
        server = self.server
        server.connections.add(self.client_address)
        server.requests.append(f"{self.command} {self.path}")
        status, body = 200, json.dumps(document).encode()
        if server.replies:
            reply = server.replies.pop(0)
            if reply == "drop":
                self.close_connection = True
                return
            if reply == "stall":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"{")
                self.wfile.flush()
                server.released.wait(WAIT)
                self.close_connection = True
                return
            status, body = reply
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def _rest_server(context=None):
    server = FakeRest()
    if context is not None:
        server.scheme = "https"
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fake_rest():
    with _rest_server() as server:
        yield server


@pytest.fixture
def fake_https(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with _rest_server(context) as server:
        yield server


@pytest.fixture
def fake_mutual_https(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses a client before it has sent a word
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with _rest_server(context) as server:
        yield server
