import subprocess
import sys

import pytest


def run_python(program):
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_tensorflow_starts_without_a_word():
    done = run_python("import tagkeras, tensorflow as tf; print((tf.ones(2) + 1).numpy())")
    assert (done.stdout, done.stderr) == ("[2. 2.]\n", "")


def test_other_lines_pass_through():
    done = run_python(
        "import os, sys\n"
        "from tagkeras import quiet\n"
        "with quiet.without_noise():\n"
        "    os.write(2, b'I0000 00:00:1 2 port.cc:153] oneDNN custom operations\\n')\n"
        "    os.write(2, b'E0000 00:00:1 2 disk.cc:7] disk full\\n')\n"
        "    print('careful', file=sys.stderr)\n"
    )
    assert done.stderr == "E0000 00:00:1 2 disk.cc:7] disk full\ncareful\n"
