"""The program of `serving.demo` without a browser."""

import os
import subprocess
import sys

import pytest
from serving_helpers import WAIT

pytestmark = pytest.mark.slow

ENDING = """
import uvicorn

async def main_loop(self):
    pass

uvicorn.Server.main_loop = main_loop
"""


def test_a_web_server_that_ends_ends_the_program(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(ENDING)
    ended = subprocess.run(
        [sys.executable, "-m", "serving.demo", "--port=0", "--server=http://localhost:1"],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "python -m serving.demo: the page's web server has ended by itself; start it again\n"
    )
