"""Fake servers of a model with one input, `age`, that answer as they are told to."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

Answer = Callable[[int], grpc.StatusCode | None]


class FakeService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers call `number` as `answer(number)` says: None is OK.

    Attributes:
        requests: that came, in order.
        peers: the connections that they came by.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.requests: list[predict_pb2.PredictRequest] = []
        self.peers: set[str] = set()

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
        code = self._answer(number)
        if code is not None:
            context.abort(code, f"no answer to {number}\nand more lines")
        return predict_pb2.PredictResponse()


@contextmanager
def fake_grpc_server(
    answer: Answer, credentials: grpc.ServerCredentials | None = None
) -> Iterator[tuple[str, FakeService]]:
    """The address and the service of a server."""
    service = FakeService(answer)
    server = grpc.server(futures.ThreadPoolExecutor(64))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    if credentials is None:
        port = server.add_insecure_port("localhost:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield f"localhost:{port}", service
    finally:
        server.stop(0).wait()


METADATA = (
    b'{"metadata": {"signature_def": {"signature_def": {"serving_default": {"inputs": {"age": '
    b'{"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1", "name": ""}]}}}}}}}}'
)


@contextmanager
def fake_http_server(
    respond: Callable[[BaseHTTPRequestHandler, int], None],
    tls: Callable[[ThreadingHTTPServer], None] | None = None,
) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of a server and what was posted to it: path and body.

    Args:
        respond: writes the answer to the post of this number.
        tls: encrypts the server's socket.
    """
    posts: list[tuple[str, bytes]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            write(self, 200, METADATA)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                number = len(posts)
                posts.append((self.path, body))
            respond(self, number)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        tls(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://localhost:{server.server_address[1]}", posts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    """Writes an answer with its length."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
