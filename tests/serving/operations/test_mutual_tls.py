"""docs/operations.md on mutual TLS, typed as it stands."""

import json
import shutil
import subprocess

import pytest
from operations_helpers import CONFIG, ROOT, SERVING, code_blocks
from serving_helpers import photo, run_command

from serving import HashtagClient, ModelServer, ServerProcess
from serving.client.tls import Tls
from serving.server.config_files import read_credentials
from serving.server.models import model_config

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no OpenSSL is installed: it makes the certificates"
)
BLOCKS = code_blocks(ROOT / "docs" / "operations.md", "Mutual TLS")


def type_in(folder, commands):
    """Runs commands of the document in a folder with a checkout's `serving`."""
    folder.mkdir(exist_ok=True)
    (folder / "serving").symlink_to(SERVING)
    command = ["bash", "-euo", "pipefail", "-c", commands]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return folder / "tls"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files that the document's commands make, and once more by another authority."""
    (commands,) = [block for block in BLOCKS if block.startswith("mkdir -p tls\n")]
    folder = tmp_path_factory.mktemp("mutual_tls")
    return type_in(folder / "ours", commands), type_in(folder / "theirs", commands)


def make_ssl_config(*files):
    return subprocess.run(
        ["bash", CONFIG / "make_ssl_config.sh", *map(str, files)], capture_output=True, text=True
    )


def ask(server, image, **files):
    arguments = [f"--server={server}", "--model_name=hashtags", f"--image={image}", "--json"]
    arguments += [f"--{name}={path}" for name, path in files.items()]
    return run_command("serving.client", *arguments)


@pytest.mark.slow
@pytest.mark.timeout(600)  # four processes that import TensorFlow, one after the other
def test_the_whole_walk(made, hashtag_models, tmp_path):
    ours, theirs = made
    image = tmp_path / "photo.png"
    image.write_bytes(photo())
    with ServerProcess(
        model_name="hashtags", model_base_path=hashtag_models, ssl_config_file=ours / "ssl.config"
    ) as server:
        identity = {"tls_cert": ours / "client.pem", "tls_key": ours / "client.key"}
        answered = ask(server.endpoint, image, tls_ca=ours / "ca.pem", **identity)
        assert answered.returncode == 0, answered.stderr
        assert json.loads(answered.stdout)["hashtags"][0]["hashtag"] == "sunset"

        stranger = {"tls_cert": theirs / "client.pem", "tls_key": theirs / "client.key"}
        for run in (
            ask(server.endpoint, image, tls_ca=ours / "ca.pem"),
            ask(server.endpoint, image, tls_ca=ours / "ca.pem", **stranger),
        ):
            assert (run.returncode, run.stdout) == (1, "")
            (line,) = run.stderr.splitlines()
            assert line.startswith("python -m serving.client: ")
            assert server.endpoint in line
            assert "does it admit this client (TLS)?" in line


def test_while_authorities_change_both_are_trusted(made, hashtag_models, tmp_path):
    ours, theirs = made
    both = tmp_path / "both.pem"
    both.write_bytes((ours / "ca.pem").read_bytes() + (theirs / "ca.pem").read_bytes())
    config = tmp_path / "ssl.config"
    config.write_text(make_ssl_config(ours / "server.key", ours / "server.pem", both).stdout)
    models = model_config.single_model("hashtags", str(hashtag_models))
    with ModelServer(models, credentials=read_credentials(config)) as server:
        for files in (ours, theirs):
            tls = Tls(ca=both, certificate=files / "client.pem", key=files / "client.key")
            with HashtagClient(server.endpoint, "hashtags", tls=tls) as client:
                assert client.predict([photo()])[0].version == 2


def test_keys_are_for_their_owner_alone(made):
    for name in ("ca.key", "server.key", "client.key", "ssl.config"):
        assert (made[0] / name).stat().st_mode & 0o077 == 0, name


def test_files_that_are_none(made, tmp_path):
    key, certificate = made[0] / "server.key", made[0] / "server.pem"
    (tmp_path / "empty.pem").touch()
    for files, status, words in [
        ([], 2, "usage: "),
        ([key], 2, "usage: "),
        ([key, tmp_path / "absent.pem"], 1, "absent.pem is no PEM file that can be read"),
        ([tmp_path / "empty.pem", certificate], 1, "empty.pem is no PEM file that can be read"),
        ([key, certificate, tmp_path / "empty.pem"], 1, "empty.pem is no PEM file"),
    ]:
        run = make_ssl_config(*files)
        assert (run.returncode, run.stdout) == (status, "")
        assert words in run.stderr
        assert len(run.stderr.splitlines()) == 1
