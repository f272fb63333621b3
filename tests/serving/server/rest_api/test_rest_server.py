"""The REST server under clients that are slow or gone, at deadlines, and when it stops."""

import json
import socket
import threading

import pytest
from rest_helpers import WAIT, Client, RawConnection, request

from serving.server.errors import ServingError
from serving.server.rest_api.rest_server import RestServer

WAITS = request("GET", "/v1/models/wait")
QUICK_ONE = request("GET", "/v1/models/quick")


def test_a_computation_that_takes_too_long_is_stopped(tags_manager):
    server = RestServer(tags_manager, timeout=0.2)
    server.start()
    client = Client(server.port)
    body = {"signature_name": "slow", "inputs": 10**12}
    status, message = client.error("POST", "/v1/models/tags:predict", body)
    assert status == 504
    assert message
    assert client.post("/v1/models/tags:predict", {**body, "inputs": 7}) == {"outputs": 7}
    client.close()
    server.stop(grace=WAIT)


def test_a_port_that_is_taken(one_thread, waiting_manager):
    server = RestServer(waiting_manager, port=one_thread.port)
    with pytest.raises(ServingError) as caught:
        server.start()
    assert str(caught.value) == (
        f"UNAVAILABLE: cannot listen on 0.0.0.0:{one_thread.port}; is the port taken?"
    )
    server.stop(grace=0)  # does nothing


def test_a_failure_within_is_an_error_of_its_own(one_thread):
    client = Client(one_thread.port)
    assert client.error("GET", "/v1/models/broken") == (500, "RuntimeError: out of order")
    assert client.ask("GET", "/v1/models/quick").status == 200
    client.close()


def test_a_request_under_way_is_finished_while_new_ones_are_refused(waiting_manager):
    server = RestServer(waiting_manager)
    server.start()
    with RawConnection(server.port) as asking, RawConnection(server.port) as idle:
        asking.send(WAITS)
        assert waiting_manager.asked.wait(WAIT)
        stop = threading.Thread(target=server.stop, args=(WAIT,))
        stop.start()
        assert idle.is_closed()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("localhost", server.port), timeout=WAIT)
        assert stop.is_alive()
        waiting_manager.release.set()
        status, body = asking.response()
        assert status == 200
        assert json.loads(body)["model_version_status"][0]["version"] == "7"
        assert asking.is_closed()
        stop.join(WAIT)
        assert not stop.is_alive()


def test_requests_that_outlive_the_grace_are_given_up(waiting_manager):
    server = RestServer(waiting_manager, num_threads=1)
    server.start()
    with RawConnection(server.port) as asking, RawConnection(server.port) as queued:
        asking.send(WAITS)
        assert waiting_manager.asked.wait(WAIT)
        queued.send(QUICK_ONE)
        server.stop(grace=0.1)
        assert asking.is_closed()
        assert queued.is_closed()
    waiting_manager.release.set()


def test_a_stopped_server_leaves_its_port_to_another(waiting_manager):
    first = RestServer(waiting_manager)
    first.start()
    with RawConnection(first.port) as connection:
        connection.send(QUICK_ONE)
        assert connection.response()[0] == 200
    first.stop(grace=WAIT)
    first.stop(grace=WAIT)
    second = RestServer(waiting_manager, port=first.port)
    second.start()
    with RawConnection(second.port) as connection:
        connection.send(QUICK_ONE)
        assert connection.response()[0] == 200
    second.stop(grace=WAIT)


def test_a_client_that_does_not_read_hinders_nobody(half_manager):
    server = RestServer(half_manager, num_threads=1)
    server.start()
    body = json.dumps({"instances": [0.1] * 200_000}).encode()
    with RawConnection(server.port) as deaf, RawConnection(server.port) as good:
        deaf.send(request("POST", "/v1/models/half:predict", body) * 3)
        for number in range(5):
            good.send(request("POST", "/v1/models/half:predict", b'{"inputs": %d}' % number))
            assert json.loads(good.response()[1]) == {"outputs": number / 2 + 2}
        for _ in range(3):
            assert len(json.loads(deaf.response()[1])["predictions"]) == 200_000
    server.stop(grace=WAIT)


def test_many_clients_at_once_get_their_own_answers(half):
    wrong: list[object] = []

    def ask(client: int) -> None:
        with RawConnection(half.port) as connection:
            for number in range(20):
                value = client * 1000 + number
                connection.send(
                    request("POST", "/v1/models/half:predict", b'{"inputs": %d}' % value)
                )
                status, body = connection.response()
                if (status, json.loads(body)) != (200, {"outputs": value / 2 + 2}):
                    wrong.append((value, status, body))

    clients = [threading.Thread(target=ask, args=(client,)) for client in range(16)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(WAIT)
    assert not wrong
    assert not any(client.is_alive() for client in clients)
