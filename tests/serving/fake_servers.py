"""Servers of a model `m` that answer and fail as they are told to, over gRPC and over HTTP."""

import contextlib
import http.server
import json
import ssl
import threading
from concurrent import futures

import grpc
import numpy as np
from serving_helpers import WAIT
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from serving import tensors

METADATA = {
    "model_spec": {"name": "m", "version": "9"},
    "metadata": {
        "signature_def": {
            "signature_def": {
                "serving_default": {"inputs": {"age": {"tensor_shape": {"dim": [{"size": "-1"}]}}}}
            }
        }
    },
}
STATES = {"9": "AVAILABLE", "10": "LOADING", "8": "AVAILABLE", "11": "END"}


class FakeService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers version 9 of the model, first with the failures that it is told.

    Attributes:
        failures: status codes of the next calls.
        words: that go with them.
        on_call: called with the number of each call; a status code that it returns fails the call.
        requests: that came, in order.
        peers: the connections that they came by.
        outputs: of each answer.
    """

    def __init__(self):
        self.failures = []
        self.words = "a moment please\nand more lines"
        self.on_call = lambda number: None
        self.requests = []
        self.peers = set()
        self.outputs = {"hashtags": [[b"x"]], "scores": [[1.0]]}
        self._lock = threading.Lock()

    def GetModelMetadata(self, request, context):  # noqa: N802
        signatures = get_model_metadata_pb2.SignatureDefMap()
        age = signatures.signature_def["serving_default"].inputs["age"]
        age.tensor_shape.dim.add(size=-1)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(signatures)
        return response

    def Predict(self, request, context):  # noqa: N802
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.peers.add(context.peer())
        failure = self.on_call(number) or (self.failures.pop(0) if self.failures else None)
        if failure:
            context.abort(failure, self.words)
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 9
        for name, rows in self.outputs.items():
            kind = object if name == "hashtags" else np.float32
            response.outputs[name].CopyFrom(tensors.to_proto(np.array(rows, kind)))
        return response

    @contextlib.contextmanager
    def held(self):
        """Answers nothing in the meantime."""
        released = threading.Event()
        self.on_call = lambda number: released.wait(WAIT) and None
        try:
            yield
        finally:
            released.set()


@contextlib.contextmanager
def grpc_server(credentials=None):
    """The service of a server, with its address as `endpoint`."""
    service = FakeService()
    unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("receive", "send")]
    server = grpc.server(futures.ThreadPoolExecutor(64), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    if credentials is None:
        port = server.add_insecure_port("localhost:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    service.endpoint = f"localhost:{port}"
    server.start()
    yield service
    server.stop(None)


def grpc_credentials(authority, *, ask):
    """Of a server; `ask` for the client's certificate."""
    own = authority.issue_cert("localhost")
    pair = (own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())
    return grpc.ssl_server_credentials(
        [pair], authority.cert_pem.bytes() if ask else None, require_client_auth=ask
    )


def rest_context(authority, *, ask):
    """Of a server; `ask` for the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    if ask:
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses a client before it asks
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class FakeRest(http.server.ThreadingHTTPServer):
    """Answers version 9 of the model, first with the replies that it is told.

    Attributes:
        replies: of the next requests: a status and a body; bytes, to send no more than them;
            "drop", to close the connection without a word; "stall", to send half an answer.
        requests: method and path of those that came, in order.
        bodies: of the posts among them.
        connections: that requests came by.
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
            self._answer(METADATA)
        else:
            statuses = [{"version": number, "state": state} for number, state in STATES.items()]
            self._answer({"model_version_status": statuses})

    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"outputs": {"hashtags": [["x"]], "scores": [[1.0]]}})

    def _answer(self, document):
        server = self.server
        server.connections.add(self.client_address)
        server.requests.append(f"{self.command} {self.path}")
        reply = server.replies.pop(0) if server.replies else (200, json.dumps(document).encode())
        if isinstance(reply, tuple):
            status, body = reply
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.close_connection = True
        if reply == "stall":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            self.wfile.flush()
            server.released.wait(WAIT)
        elif reply != "drop":
            self.wfile.write(reply)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def rest_server(context=None):
    """A server, with its address as `url`; `context` encrypts it."""
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
