"""`python -m serving.demo` as a user starts it, watched."""

import os
import re
import signal
import subprocess
import sys

from serving_helpers import WAIT

# Writes down whom the process connects to or looks up, but for this machine.
WATCH = """
import os, sys

def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        here = not isinstance(address, tuple) or address[0] in ("127.0.0.1", "::1", "localhost")
    elif event == "socket.getaddrinfo":
        address = arguments[0]
        here = address in (None, "", b"", "127.0.0.1", "::1", "localhost", b"localhost")
    else:
        return
    if not here:
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{event} {address}\\n")

sys.addaudithook(watch)
"""


class Demo:
    """`python -m serving.demo` as a child process, on any free port."""

    def __init__(self, folder, **flags):
        (folder / "sitecustomize.py").write_text(WATCH)
        self.connections = folder / "connections.txt"
        self.uploads = folder / "temporary"
        self.uploads.mkdir()
        arguments = [f"--{name}={value}" for name, value in {"port": 0, **flags}.items()]
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "CONNECTIONS": str(self.connections),
            "TMPDIR": str(self.uploads),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "serving.demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        line = self.process.stdout.readline()
        found = re.search(r"shown at (http://\S+)", line)
        if not found:
            self.process.kill()
            raise RuntimeError(line + self.process.communicate()[1])
        self.url = found[1]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=WAIT)
        return self.process.returncode, out, err
