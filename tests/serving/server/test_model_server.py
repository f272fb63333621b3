"""Ports, TLS, health and metrics of the embedded server."""

import http.client
import json
import socket
import urllib.request
from concurrent import futures

import grpc
import numpy as np
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_helpers import predict_request
from serving_helpers import QUICK, Stubs, pem, photo_request, samples, write_ssl_config
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import ServerProcess, tensors
from serving.server.config_files import DEFAULT_MONITORING_PATH, read_credentials
from serving.server.errors import ServingError
from serving.server.model_server import ModelServer
from serving.server.models import model_config

Code = grpc.StatusCode
TIMEOUT = 60.0


@pytest.fixture
def config(hashtag_models):
    return model_config.single_model("tags", str(hashtag_models))


def answer(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    response = stub.Predict(photo_request(), timeout=TIMEOUT)
    return response.outputs["hashtags"].string_val[0]


def refusal(channel):
    with pytest.raises(grpc.RpcError) as caught:
        answer(channel)
    return caught.value.code()


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(config, authority, tmp_path, mutual):
    """With `mutual`, the server asks for the client's certificate."""
    root, stranger = authority.cert_pem.bytes(), trustme.CA()
    server_files = pem(authority.issue_cert("localhost"))
    files = (*server_files, root.decode()) if mutual else server_files
    path = write_ssl_config(tmp_path, *files, verify=mutual)

    def channel(server, root, *identity):
        key_and_chain = (text.encode() for text in identity)
        credentials = grpc.ssl_channel_credentials(root, *key_and_chain)
        return grpc.secure_channel(server.endpoint, credentials)

    own = pem(authority.issue_cert("client")) if mutual else ()
    with ModelServer(config, options=QUICK, credentials=read_credentials(path)) as server:
        with channel(server, root, *own) as known:
            assert answer(known) == b"sunset"
        refused = [channel(server, stranger.cert_pem.bytes(), *own)]
        refused.append(grpc.insecure_channel(server.endpoint))
        if mutual:
            refused.append(channel(server, root, *pem(stranger.issue_cert("client"))))
            refused.append(channel(server, root))
        for other in refused:
            with other:
                assert refusal(other) is Code.UNAVAILABLE


def test_a_unix_socket(config, tmp_path):
    path = str(tmp_path / "serving.sock")
    with ModelServer(config, options=QUICK, socket_path=path) as server:
        for address in (f"unix:{path}", server.endpoint):
            with grpc.insecure_channel(address) as channel:
                assert answer(channel) == b"sunset"
    absent = str(tmp_path / "absent" / "serving.sock")
    with pytest.raises(ServingError, match=r"cannot listen on unix:.*is the folder there"):
        ModelServer(config, options=QUICK, socket_path=absent).__enter__()


def test_health_checks(config):
    with ModelServer(config, options=QUICK, health=True) as server:
        with grpc.insecure_channel(server.endpoint) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            for name in ("", "PredictionService", "ModelService"):
                status = stub.Check(health_pb2.HealthCheckRequest(service=name)).status
                assert status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.RpcError) as caught:
                stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
            assert caught.value.code() is Code.NOT_FOUND
            watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            with futures.ThreadPoolExecutor(1) as pool:
                stopped = pool.submit(server.stop, 1.0)
                assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
                stopped.result()


def test_both_apis_count_in_one_place(config):
    monitoring = {"rest_port": 0, "monitoring_path": DEFAULT_MONITORING_PATH}
    with ModelServer(config, options=QUICK, **monitoring) as server:
        with grpc.insecure_channel(server.endpoint) as channel:
            answer(channel)
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            with pytest.raises(grpc.RpcError):
                stub.Predict(predict_pb2.PredictRequest())
        body = json.dumps({"signature_name": "hashtag_embedding", "instances": ["dog"]}).encode()
        url = f"http://{server.rest_endpoint}"
        with urllib.request.urlopen(f"{url}/v1/models/tags:predict", body) as response:
            (prediction,) = json.load(response)["predictions"]
        assert prediction["embedding"] == pytest.approx([0.1])
        with urllib.request.urlopen(f"{url}{DEFAULT_MONITORING_PATH}") as response:
            page = response.read().decode()
    assert samples(page, ":tensorflow:serving:request_count") == {
        ("tags", "OK"): 2,
        ("", "INVALID_ARGUMENT"): 1,
    }
    assert samples(page, ":tensorflow:serving:request_latency_count") == {
        ("Predict", "GRPC", "tags"): 1,
        ("predict", "REST", "tags"): 1,
    }


@pytest.mark.parametrize("taken", ["port", "rest_port"])
def test_a_port_that_is_taken_opens_neither(config, tags_server, taken):
    ports = {"rest_port": 0, taken: tags_server.port}
    server = ModelServer(config, options=QUICK, **ports)
    with pytest.raises(ServingError, match="is the port taken"):
        server.__enter__()
    if taken == "rest_port":
        assert server.port == 0  # gRPC has not even been opened
    else:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("localhost", server.rest_port))


def test_settings_of_grpc_itself_are_passed_on(config):
    limit = ("grpc.max_receive_message_length", 100)
    with ModelServer(config, options=QUICK, channel_arguments=[limit]) as server:
        with grpc.insecure_channel(server.endpoint) as channel:
            assert refusal(channel) is Code.RESOURCE_EXHAUSTED


@pytest.mark.slow
def test_a_process_told_to_stop_answers_what_is_under_way(hashtag_models):
    """Both APIs; steps for about a second or two."""
    steps = 300_000
    request = predict_request("tags", "slow", steps=np.array(steps))
    body = json.dumps({"signature_name": "slow", "inputs": steps}).encode()
    server = ServerProcess(model_name="tags", model_base_path=hashtag_models, rest=True)
    with server:
        stubs = Stubs(server.endpoint)
        answer(stubs.channel)
        over_rest = http.client.HTTPConnection("localhost", server.rest_port, timeout=TIMEOUT)
        over_rest.request("POST", "/v1/models/tags:predict", body)
        over_grpc = stubs.prediction.Predict.future(request, timeout=TIMEOUT)
        # Later requests are answered only after both have arrived.
        answer(stubs.channel)
        with urllib.request.urlopen(f"http://{server.rest_endpoint}/v1/models/tags"):
            pass
        assert server.stop() == 0
        assert tensors.from_proto(over_grpc.result().outputs["total"]) == steps
        assert json.load(over_rest.getresponse()) == {"outputs": steps}
        over_rest.close()
