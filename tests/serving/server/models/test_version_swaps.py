"""Versions come and go under many clients, broken ones among them."""

import contextlib
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_helpers import config_of, model, predict_request, serving
from serving_helpers import WAIT, statuses
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving import tensors
from serving.server.models.versions import State


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
        self.answered = set()
        self.failures = []
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
                    self.answered.add((number, version))
                    self._changed.notify_all()

    def wait_for(self, version, count):
        """Waits until all of so many clients have an answer of the version."""
        everyone = {(number, version) for number in range(count)}
        with self._changed:
            return self._changed.wait_for(lambda: everyone <= self.answered, WAIT)

    def stop(self):
        self._stopping.set()


@pytest.mark.parametrize(
    ("swaps", "num_clients"), [(5, 8), pytest.param(50, 32, marks=pytest.mark.slow)]
)
def test_swaps_under_load_fail_no_call_and_mix_up_no_answer(tmp_path, swaps, num_clients):
    put(tmp_path, 1)
    with contextlib.ExitStack() as stack:
        config = config_of(model(tmp_path, name="numbered"))
        server, stubs = stack.enter_context(serving(config))
        clients = Clients(server.endpoint)
        pool = stack.enter_context(futures.ThreadPoolExecutor(num_clients))
        stack.callback(clients.stop)
        running = [pool.submit(clients.run, number) for number in range(num_clients)]
        for version in range(2, 2 + swaps):
            broken = version % 4 == 0
            put(tmp_path, version, broken)
            if broken:
                assert server.manager.wait_for_state("numbered", version, State.END, WAIT)
                assert statuses(stubs, "numbered", version)[0][2] != 0
                assert statuses(stubs, "numbered", version - 1)[0][1] == "AVAILABLE"
            else:
                assert clients.wait_for(version, num_clients)
        clients.stop()
        for client in running:
            client.result()
        assert not clients.failures
        assert statuses(stubs, "numbered")[0] == (version, "AVAILABLE", 0)
