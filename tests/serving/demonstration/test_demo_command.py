"""The command's one line for what goes wrong before there is a page."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.demonstration import web_server
from tagkeras.errors import UserError

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


def test_gradio_leaves_the_source_alone_and_fetches_no_address(tmp_path):
    """It is imported in a process of its own: it takes seconds, and reads its settings once."""
    script = """
import asyncio, gradio
from serving.demonstration import photo_part
from gradio import component_meta

part = photo_part.build("photo")
try:
    asyncio.run(part.async_move_resource_to_block_cache("http://example.invalid/a.png"))
except gradio.Error as error:
    print(error.message)
assert component_meta.create_or_modify_pyi.__module__ == "gradio.component_meta"
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(tmp_path)},
        check=False,
    )
    assert result.stdout == "Photos are taken from files, not from addresses.\n", result.stderr
    assert list(Path(web_server.__file__).parent.glob("*.pyi")) == []
