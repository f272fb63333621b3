"""`python -m serving.demo` as a user starts it, and what its page asks it over HTTP."""

import os
import re
import signal
import subprocess
import sys

import urllib3
from serving_helpers import WAIT

LONDON = {"age": 20, "gender": "female", "country": "GB", "latitude": 51.51, "longitude": -0.13}
NOBODY = {"age": None, "gender": None, "country": None, "latitude": None, "longitude": None}

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
        arguments = [f"--{name}={value}" for name, value in {"port": 0, **flags}.items()]
        path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {"PYTHONPATH": os.pathsep.join(path), "CONNECTIONS": str(self.connections)}
        command = [sys.executable, "-m", "serving.demo", *arguments]
        env = os.environ | environment
        self.process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=env)
        line = self.process.stdout.readline()
        found = re.search(r"shown at (http://\S+)", line)
        if not found:
            out, err = self.process.communicate(timeout=WAIT)
            raise RuntimeError(line + out + err)
        self.url = found[1]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=WAIT)
        return self.process.returncode, out, err


class Visitor:
    """Asks the page's web server what its script asks."""

    def __init__(self, url):
        self.url = url
        self.http = urllib3.PoolManager(retries=False, timeout=WAIT, maxsize=100)

    def get(self, path):
        return self.http.request("GET", self.url + path)

    def post(self, path, body, **options):
        return self.http.request("POST", self.url + path, body=body, **options)

    def upload(self, data):
        """The key of a photo that is sent."""
        return self.post("/photos", data).json()["photo"]

    def predict(self, photo, *people):
        question = {"photo": photo, "people": people or [LONDON, NOBODY]}
        return self.http.request("POST", self.url + "/predict", json=question)
