"""The server and the client as commands, in processes of their own."""

import re
import signal
import subprocess
import sys

import pytest
import tensorflow as tf
from serving_helpers import run_command

from serving import ServerProcess
from serving.server.flags import Config, refusal
from serving.server.serve import build, channel_arguments, models
from tagkeras.cli.errors import UserError


def started(*flags):
    command = [sys.executable, "-m", "serving.server", "--port=0", *flags]
    return subprocess.Popen(command, stdout=-1, stderr=-1, text=True)


@pytest.fixture
def no_models(tmp_path):
    """The flag that names a config without models."""
    (tmp_path / "models.config").write_text("model_config_list {}")
    return f"--model_config_file={tmp_path}/models.config"


@pytest.mark.slow
def test_batching_flags_are_accepted_and_change_nothing(no_models):
    flags = ["--enable_batching=true", "--batching_parameters_file=/batching.config"]
    with started(*flags, no_models) as process:
        assert "change nothing here" in process.stdout.readline()
        assert "Running gRPC ModelServer" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_a_server_told_to_stop_before_it_is_ready(tmp_path):
    (tmp_path / "empty").mkdir()
    with started(f"--model_base_path={tmp_path}/empty") as process:
        assert "No versions of servable default found under base path" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--saved_model_tags=", "--saved_model_tags of tensorflow_model_server is not"),
        ("--modelname=x", "Unknown command line flag 'modelname'. Did you mean: model_name ?"),
        ("models", "unexpected argument 'models'; options are given as --name=value"),
    ],
)
def test_unsupported_arguments_are_refused_by_name(argument, words):
    assert words in refusal([argument])


@pytest.mark.parametrize(
    "argument", ["--saved_model_tags=serve", "--noenable_profiler", "-prefer_tflite_model=False"]
)
def test_flags_of_the_original_that_change_nothing_are_accepted(argument):
    assert refusal([argument]) is None


def test_help_and_a_wrong_flag_import_no_tensorflow():
    code = "import sys, serving.server.__main__, serving.inspect.__main__; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "grpc", "numpy"} & set(run.stdout.split())


def test_a_refused_flag_ends_the_command_with_one_line():
    run = run_command("serving.server", "--saved_model_tags=serve,gpu")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "python -m serving.server: --saved_model_tags of tensorflow_model_server is not supported "
        "by this server: models are loaded by the tag `serve` (--help lists the flags)\n"
    )


def test_the_version_is_printed_as_the_original_prints_it():
    run = run_command("serving.server", "--version")
    assert run.returncode == 0
    first, second = run.stdout.splitlines()
    assert first.startswith("TensorFlow ModelServer: ")
    assert second == f"TensorFlow Library: {tf.__version__}"


def test_flags_that_do_not_go_together(hashtag_models, tmp_path):
    (tmp_path / "bad.config").write_text("improperly formatted file")
    tags = {"model_base_path": str(hashtag_models)}
    for flags, words in [
        ({}, "give --model_base_path or --model_config_file"),
        ({"model_base_path": f"{tmp_path}/bad.config"}, "bad.config is no folder"),
        ({"model_base_path": f"{hashtag_models}/1"}, "is a SavedModel itself; give the folder"),
        ({"model_config_file": f"{tmp_path}/bad.config"}, "cannot parse the config file"),
        (tags | {"port": 8500, "rest_api_port": 8500}, "--rest_api_port=8500 is --port, too"),
        (tags | {"monitoring_config_file": "x"}, "shows metrics on --rest_api_port; give one"),
        (tags | {"ssl_config_file": "/absent"}, "cannot read the config file /absent"),
        (tags | {"grpc_channel_arguments": "grpc.x"}, "is not of the form name=value"),
    ]:
        with pytest.raises(UserError, match=re.escape(words)):
            build(Config(**flags))


def test_channel_arguments():
    assert channel_arguments("") == []
    assert channel_arguments("grpc.a=2000,grpc.b=me=you") == [
        ("grpc.a", 2000),
        ("grpc.b", "me=you"),
    ]


def test_a_relative_base_path_is_taken_from_here(hashtag_models, monkeypatch):
    monkeypatch.chdir(hashtag_models.parent)
    (model,) = models(Config(model_base_path="tags")).model_config_list.config
    assert model.base_path == str(hashtag_models)
    assert model.name == "default"
    (model,) = models(Config(model_base_path="later")).model_config_list.config
    assert model.base_path == f"{hashtag_models.parent}/later"


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_in_one_line(tags_server, no_models):
    run = run_command("serving.server", f"--port={tags_server.port}", no_models)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        "python -m serving.server: Failed to start server. Error: UNAVAILABLE: cannot listen on "
        f"0.0.0.0:{tags_server.port}; is the port taken?\n"
    )


def test_a_process_that_is_not_ready_in_time_is_ended(tmp_path):
    server = ServerProcess(model_base_path=tmp_path)
    with pytest.raises(TimeoutError, match=r"not ready within 0\.1 s"):
        server.start(timeout=0.1)
    assert server.wait() == -signal.SIGKILL
