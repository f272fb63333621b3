"""The server and the client as commands, in processes of their own."""

import json
import signal
import subprocess
import sys

import pytest
from serving_helpers import photo

from serving import HashtagClient, ServerProcess
from serving.server import Config, _models, _refuse
from tagkeras.errors import UserError


def test_server_and_client(hashtag_models, tmp_path):
    (tmp_path / "ball.png").write_bytes(photo(0))
    server = ServerProcess(model_name="tags", model_base_path=hashtag_models)
    with server:
        client = [sys.executable, "-m", "serving.client", f"--server={server.endpoint}"]
        client += ["--model_name=tags", f"--image={tmp_path}/ball.png", "--country=US", "--json"]
        run = subprocess.run(client, capture_output=True, text=True)
        assert run.returncode == 0
        assert run.stderr == ""
        assert json.loads(run.stdout)["hashtags"][0] == {"hashtag": "soccer", "score": 2.2}

        with HashtagClient(server.endpoint, "tags") as in_process:
            assert in_process.predict([photo()])[0].version == 2
    assert server.wait() == 0


def test_a_server_told_to_stop_before_it_is_ready(tmp_path):
    (tmp_path / "empty").mkdir()
    command = [sys.executable, "-m", "serving.server", "--port=0"]
    command += [f"--model_base_path={tmp_path}/empty"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert "No versions of servable default found under base path" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rest_api_port=8501"], "--rest_api_port of tensorflow_model_server is not supported"),
        (["--noenable_batching"], "--noenable_batching of tensorflow_model_server is not"),
        (["--ssl_config_file", "x"], "--ssl_config_file of tensorflow_model_server is not"),
        (["--modelname=x"], "unknown flag --modelname (--help lists the flags)"),
        (["models"], "unexpected argument 'models'; options are given as --name=value"),
    ],
)
def test_flags_that_it_has_not_are_refused_by_name(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        _refuse(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m serving.server: ")
    assert words in line


def test_models_that_cannot_be(hashtag_models, tmp_path):
    (tmp_path / "bad.config").write_text("improperly formatted file")
    for flags, words in [
        ({}, "give --model_base_path or --model_config_file"),
        ({"model_base_path": f"{tmp_path}/absent"}, "absent is no folder"),
        ({"model_base_path": f"{hashtag_models}/1"}, "is a SavedModel itself; give the folder"),
        ({"model_config_file": f"{tmp_path}/absent"}, "cannot read the model config file"),
        ({"model_config_file": f"{tmp_path}/bad.config"}, "invalid protobuf file"),
    ]:
        with pytest.raises(UserError, match=words):
            _models(Config(**flags))


def test_a_relative_base_path_is_taken_from_here(hashtag_models, monkeypatch):
    monkeypatch.chdir(hashtag_models.parent)
    (model,) = _models(Config(model_base_path="tags")).model_config_list.config
    assert model.base_path == str(hashtag_models)
    assert model.name == "default"
