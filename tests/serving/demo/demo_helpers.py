"""A model and a browser of the tests, for the page's application without real ones."""

import threading
import uuid

import httpx
from serving_helpers import WAIT, photo

from serving import Hashtag, Prediction, RequestError, StatusCode

API = "/gradio_api"
SECRET = photo(7, 16)  # it could be shown to the model, were it read


class Model:
    """A client that answers, and remembers what it was asked; a white photo it refuses."""

    def __init__(self):
        self.asked = []
        self.was_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def predict(self, images, users):
        self.asked += images
        self.was_asked.set()
        assert self.may_answer.wait(WAIT)
        if images == [photo(255)]:
            raise RequestError("", StatusCode.INVALID_ARGUMENT, "image 0: more than 9 pixels")
        return [Prediction("tags", 1, (Hashtag("football", 1.0),)) for _ in users]


class Browser:
    """Asks the application what a browser asks it, or somebody else."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=WAIT)
        self.config = self.http.get("/config").json()
        self.parts = {part["id"]: part for part in self.config["components"]}

    def events(self):
        """Each event of the page that has inputs, and the values that these have at first."""
        for event in self.config["dependencies"]:
            if event["inputs"]:
                first = [self.parts[part]["props"].get("value") for part in event["inputs"]]
                yield event["id"], first

    def show(self):
        """The event that asks the model, the values at first, and the place of the photo."""
        return max(self.events(), key=lambda event: len(event[1]))

    def is_state(self, event, place):
        """Whether an input is kept here, so that what a browser sends for it is not looked at."""
        (inputs,) = [e["inputs"] for e in self.config["dependencies"] if e["id"] == event]
        return self.parts[inputs[place]]["type"] == "state"

    def send(self, event, values, session=None):
        """What comes back for an event of the page."""
        return self.http.post(f"{API}/run/predict", json=body_of(event, values, session))

    def upload(self, data):
        """A file's path where the application keeps it."""
        return self.http.post(f"{API}/upload", files={"files": ("a.png", data)}).json()[0]


def body_of(event, values, session=None):
    return {"fn_index": event, "data": values, "session_hash": session or uuid.uuid4().hex}


def file(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}
