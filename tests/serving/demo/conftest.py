"""The page's real application on a real socket, asked without a browser and a model server."""

import pytest
from demo_helpers import SECRET, Browser, Model
from serving_helpers import photo

from serving.demo import web_server
from serving.demo.asking import Asking


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where uploads lie, an example photo, and the file that nobody is to read."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "secret.png").write_bytes(SECRET)
    (folder / "example.png").write_bytes(photo(100))
    (folder / "uploads").mkdir()
    return folder


@pytest.fixture(scope="module")
def model():
    return Model()


@pytest.fixture(scope="module")
def application(folders, model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folders / "uploads"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        from serving.demo import web_application

        yield web_application.build(
            Asking(model, "localhost:8500", "tags"),
            title="Tags",
            examples=[folders / "example.png"],
        )


@pytest.fixture(scope="module")
def url(application):
    listener = web_server.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with web_server.serving(application, listener):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser(url):
    return Browser(url)
