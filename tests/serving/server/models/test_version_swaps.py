"""Versions come and go under many clients, broken ones among them."""

import contextlib
import threading
import time
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_helpers import predict_request
from serving_helpers import WAIT, Stubs, statuses
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving import ServerProcess, tensors

SWAPS = 50
CLIENTS = 32
BROKEN_EVERY = 10  # a broken version after so many good ones


class Numbered(tf.Module):
    """y = 1000 version + x, from a variable, as weights are."""

    def __init__(self, version):
        super().__init__()
        self.base = tf.Variable(1000.0 * version)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def add(self, x):
        return {"y": self.base + x}


def put(base, version, broken=False):
    """Writes `base/version`, complete from its first moment on."""
    aside = base / f".{version}.tmp"
    module = Numbered(version)
    tf.saved_model.save(module, str(aside), signatures=module.add)
    if broken:
        (aside / "variables" / "variables.data-00000-of-00001").write_bytes(b"cut off")
    aside.rename(base / str(version))


class Clients:
    """Clients that ask in a loop, each on a connection of its own, and check each answer."""

    def __init__(self, endpoint):
        self.answered = 0
        self.failures = []
        self._newest = 0
        self._endpoint = endpoint
        self._changed = threading.Condition()
        self._stopping = threading.Event()

    def run(self, number):
        x = np.full(1 + number, number, np.float32)
        request = predict_request("numbered", x=x)
        own = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self._endpoint, options=own) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            newest = 0
            while not self._stopping.is_set():
                try:
                    response = stub.Predict(request, timeout=WAIT)
                except grpc.RpcError as error:
                    self.failures.append(error)
                    continue
                version = response.model_spec.version.value
                y = tensors.from_proto(response.outputs["y"])
                if y.tolist() != [1000 * version + number] * len(x) or version < newest:
                    self.failures.append((version, newest, y))
                newest = version
                with self._changed:
                    self.answered += 1
                    self._newest = max(self._newest, version)
                    self._changed.notify_all()

    def wait_for(self, version):
        """Waits until a client has an answer of the version."""
        with self._changed:
            return self._changed.wait_for(lambda: self._newest >= version, WAIT)

    def stop(self):
        self._stopping.set()


def wait_for_failure(stubs, version):
    """Asks until the version has failed; the server has no call that waits for it."""
    pause = threading.Event()
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        with contextlib.suppress(grpc.RpcError):  # not seen on disk yet
            ((_, state, error_code),) = statuses(stubs, "numbered", version)
            if state == "END":
                assert error_code != 0
                return
        pause.wait(0.05)
    pytest.fail(f"version {version} neither failed nor came")


@pytest.mark.slow
def test_fifty_swaps_under_load_fail_no_call_and_mix_up_no_answer(tmp_path):
    base = tmp_path / "numbered"
    base.mkdir()
    put(base, 1)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            ServerProcess(model_name="numbered", model_base_path=base, max_num_load_retries=0)
        )
        stubs = Stubs(server.endpoint)
        stack.callback(stubs.channel.close)
        clients = Clients(server.endpoint)
        pool = stack.enter_context(futures.ThreadPoolExecutor(CLIENTS))
        stack.callback(clients.stop)
        running = [pool.submit(clients.run, number) for number in range(CLIENTS)]
        version = 1
        for _ in range(SWAPS):
            version += 1
            if version % BROKEN_EVERY == 0:
                put(base, version, broken=True)
                wait_for_failure(stubs, version)
                assert statuses(stubs, "numbered", version - 1)[0][1] == "AVAILABLE"
                version += 1
            put(base, version)
            assert clients.wait_for(version)
        clients.stop()
        for client in running:
            client.result()
        assert not clients.failures
        assert clients.answered > SWAPS * CLIENTS
        assert statuses(stubs, "numbered", version) == [(version, "AVAILABLE", 0)]
    assert server.wait() == 0
