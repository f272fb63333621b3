"""The command's one line for what goes wrong before there is a page."""

import asyncio
import os
import socket
import subprocess
import sys
import threading

import pytest

from serving.demo import web_server
from tagkeras.cli.errors import UserError

NO_GRADIO = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "gradio":
            raise ModuleNotFoundError("No module named 'gradio'", name="gradio")

sys.meta_path.insert(0, Absent())
"""


def demo(*flags, **environment):
    return subprocess.run(
        [sys.executable, "-m", "serving.demo", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_without_gradio_one_line_says_how_to_get_it(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_GRADIO)
    result = demo(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == (
        "python -m serving.demo: the page needs Gradio: pip install 'tagkeras[demo]'\n"
    )
    assert result.stdout == ""


def test_a_flag_that_is_wrong():
    result = demo("--port=99999")
    assert result.returncode == 2
    assert "port" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_port_that_is_taken():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UserError, match=r"cannot listen at 127\.0\.0\.1:\d+: .*in use.*--port"),
    ):
        web_server.listen("127.0.0.1", taken.getsockname()[1])


def test_a_host_that_is_not_this_machine_s():
    with pytest.raises(UserError, match=r"cannot listen at 192\.0\.2\.1:0"):
        web_server.listen("192.0.2.1", 0)


def test_a_host_name_without_an_address():
    with pytest.raises(UserError, match="cannot listen at no-such-host.invalid:0"):
        web_server.listen("no-such-host.invalid", 0)


def test_a_web_server_that_ends_by_itself_is_noticed():
    async def broken(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        else:
            asyncio.get_running_loop().stop()

    listener = web_server.listen("127.0.0.1", 0)
    ended = threading.Event()
    with (
        pytest.raises(UserError, match="the page's web server has ended by itself.*start it again"),
        web_server.serving(broken, listener, on_end=ended.set),
    ):
        with socket.create_connection(listener.getsockname()) as visitor:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert ended.wait(60)
    assert listener.fileno() == -1


def test_a_web_server_that_does_not_start():
    async def broken(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed"})

    with (
        pytest.raises(UserError, match="has ended by itself"),
        web_server.serving(broken, web_server.listen("127.0.0.1", 0)),
    ):
        pytest.fail("it serves")
