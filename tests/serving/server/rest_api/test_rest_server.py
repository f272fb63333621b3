"""The REST server under clients that are slow or gone, at deadlines, and when it stops."""

import json
import socket
import threading

import pytest
from rest_helpers import WAIT, RawConnection, asking, request, serving

WAITS = request("GET", "/v1/models/wait")
QUICK_ONE = request("GET", "/v1/models/quick")


def test_a_computation_that_takes_too_long_is_stopped(tags_manager):
    body = {"signature_name": "slow", "inputs": 10**12}
    with asking(tags_manager, timeout=0.2) as client:
        status, message = client.error("POST", "/v1/models/tags:predict", body)
        assert status == 504
        assert message
        assert client.post("/v1/models/tags:predict", {**body, "inputs": 7}) == {"outputs": 7}


def test_a_failure_within_is_an_error_of_its_own(waiting_manager):
    with asking(waiting_manager) as client:
        assert client.error("GET", "/v1/models/broken") == (500, "RuntimeError: out of order")
        assert client.ask("GET", "/v1/models/quick").status == 200


def test_a_request_under_way_is_finished_while_new_ones_are_refused(waiting_manager):
    with (
        serving(waiting_manager) as server,
        RawConnection(server.port) as asking,
        RawConnection(server.port) as idle,
    ):
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
    with (
        serving(waiting_manager, num_threads=1) as server,
        RawConnection(server.port) as asking,
        RawConnection(server.port) as queued,
    ):
        asking.send(WAITS)
        assert waiting_manager.asked.wait(WAIT)
        queued.send(QUICK_ONE)
        server.stop(grace=0.1)
        assert asking.is_closed()
        assert queued.is_closed()
    waiting_manager.release.set()


def test_a_stopped_server_leaves_its_port_to_another(waiting_manager):
    port = 0
    for _ in range(2):
        with serving(waiting_manager, port) as server, RawConnection(server.port) as connection:
            connection.send(QUICK_ONE)
            assert connection.response()[0] == 200
            server.stop(grace=WAIT)  # the end of the block stops it again
        port = server.port


def test_a_client_that_does_not_read_hinders_nobody(half_manager):
    body = json.dumps({"instances": [0.1] * 200_000}).encode()
    with (
        serving(half_manager, num_threads=1) as server,
        RawConnection(server.port) as deaf,
        RawConnection(server.port) as good,
    ):
        deaf.send(request("POST", "/v1/models/half:predict", body) * 3)
        for number in range(5):
            good.send(request("POST", "/v1/models/half:predict", b'{"inputs": %d}' % number))
            assert json.loads(good.response()[1]) == {"outputs": number / 2 + 2}
        for _ in range(3):
            assert len(json.loads(deaf.response()[1])["predictions"]) == 200_000
