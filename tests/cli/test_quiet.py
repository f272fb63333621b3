import os
import signal
import subprocess
import sys

import pytest

START = "from tagkeras.cli import quiet; quiet.hold_back_noise()\nimport os, sys\n"


def run_python(program, **kwargs):
    argv = [sys.executable, "-c", START + program]
    return subprocess.run(argv, capture_output=True, text=True, **kwargs)


@pytest.mark.slow
def test_tensorflow_starts_without_a_word():
    done = run_python(
        "import tensorflow as tf\n"
        "half = tf.ones([64, 64], tf.float16)\n"
        "print(float(tf.reduce_max(half @ half)))",
        check=True,
    )
    assert (done.stdout, done.stderr) == ("64.0\n", "")


def test_other_lines_pass_through():
    done = run_python(
        "os.write(2, b'I0000 00:00:1 2 port.cc:153] oneDNN custom operations\\n')\n"
        "os.write(2, b'E0000 00:00:1 2 util.cc:12] oneDNN supports DT_HALF only on\\n')\n"
        "os.write(2, b'E0000 00:00:1 2 disk.cc:7] disk full\\n')\n"
        "print('careful', file=sys.stderr)\n",
        check=True,
    )
    assert sorted(done.stderr.splitlines()) == ["E0000 00:00:1 2 disk.cc:7] disk full", "careful"]


def test_the_last_words_of_a_crash_are_kept():
    done = run_python("os.write(2, b'terminate called: no memory\\n'); os.abort()")
    assert done.returncode == -signal.SIGABRT
    assert done.stderr == "terminate called: no memory\n"


def test_a_traceback_is_kept():
    done = run_python("raise RuntimeError('no such device')")
    assert done.returncode == 1
    assert "RuntimeError: no such device" in done.stderr


def test_works_without_grep():
    done = run_python("print('said', file=sys.stderr)", env={**os.environ, "PATH": ""}, check=True)
    assert done.stderr == "said\n"


def test_works_with_standard_error_closed():
    argv = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, START + "print('done')"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "done\n"
