"""How the command starts, refuses to start, and ends."""

import signal
import socket
import subprocess
import sys
import threading

import pytest
from demo_process import Demo, Visitor
from serving_helpers import WAIT, photo

from serving.demo import application
from tagkeras.cli.errors import UserError


def test_without_uvicorn_one_line_says_how_to_get_it():
    code = (
        "import runpy, sys; sys.modules['uvicorn'] = None\n"
        "runpy.run_module('serving.demo', run_name='__main__', alter_sys=True)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "python -m serving.demo: the page needs uvicorn: pip install 'tagkeras[demo]'\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_quietly_with_a_question_under_way(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        demo = Demo(tmp_path, server=server, timeout=10 * WAIT)
        visitor = Visitor(demo.url)
        key = visitor.upload(photo(0))

        def ask():
            with pytest.raises(Exception):  # noqa: B017, PT011 - the connection ends in some way
                assert visitor.predict(key).status == 200

        asking = threading.Thread(target=ask)
        asking.start()
        connection, _ = silent.accept()
        with connection:
            assert demo.stop(number) == (0, "", "")
        asking.join(WAIT)


def test_a_second_page_finds_the_port_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=rf"cannot listen at 127\.0\.0\.1:{port}: .*--port"):
            Demo(tmp_path, server="localhost:1", port=port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machine(host):
    with pytest.raises(UserError, match=f"cannot listen at {host}:0"):
        application.listen(host, 0)
