"""The page's real application on a real socket, with a model that can be held back."""

import threading

import pytest
from demo_process import Visitor
from serving_helpers import WAIT, photo

from serving import Hashtag, Prediction
from serving.client.answers import ServedFact
from serving.demo import application
from serving.demo.photos import Photos
from serving.demo.questions import Questions


class Model:
    """A client that answers when it may, or fails, and remembers the images of its calls."""

    def __init__(self):
        self.images = []
        self.failure = None
        self.asked, self.may_answer = threading.Semaphore(0), threading.Event()
        self.may_answer.set()

    def facts(self):
        if self.failure:
            raise self.failure
        return [
            ServedFact("age", is_text=False),
            ServedFact("gender", is_text=True, tells=False),
            ServedFact("plan", is_text=True, values=("free", "paid")),
        ]

    def predict(self, images, users):
        self.images += images
        self.users = users
        self.asked.release()
        assert self.may_answer.wait(WAIT)
        if self.failure:
            raise self.failure
        return [Prediction("tags", 1, (Hashtag("football", 1.0),)) for _ in users]


@pytest.fixture
def model():
    model = Model()
    yield model
    model.may_answer.set()


@pytest.fixture
def running(model, tmp_path):
    """The application in a thread: its socket, the event that ends it, and the thread."""
    (tmp_path / "example.png").write_bytes(photo(100))
    page = application.build(
        Questions(model), Photos([tmp_path / "example.png"]), title="Tags", server="localhost:8500"
    )
    stopping = threading.Event()
    with application.listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=application.serve, args=(page, listener, stopping))
        thread.start()
        yield listener, stopping, thread
        model.may_answer.set()
        stopping.set()
        thread.join(WAIT)


@pytest.fixture
def visitor(running):
    listener, *_ = running
    return Visitor(f"http://127.0.0.1:{listener.getsockname()[1]}")
