"""Serves models over gRPC and REST with the flags and the behaviour of tensorflow_model_server.

    python -m serving.server --port=8500 --rest_api_port=8501 --model_name=tags \
        --model_base_path=/models/tags

Prints a line with the address of each port once the models are loaded and the ports are open.
SIGTERM and SIGINT let it finish the calls under way and exit with status 0; a second one, of either
kind, ends it at once.
"""

import importlib.metadata
import os

from serving.server.flags import Config, refusal
from tagkeras import __version__
from tagkeras.cli.commandline import fail, run

PROGRAM = "python -m serving.server"


def main(config: Config, unknown: list[str]) -> None:
    """Serves until SIGTERM or SIGINT."""
    if message := refusal(unknown):
        fail(PROGRAM, f"{message} (--help lists the flags)", status=2)
    if config.version:
        api = importlib.metadata.version("tensorflow-serving-api")
        print(f"TensorFlow ModelServer: {api}+tagkeras.{__version__}")
        print(f"TensorFlow Library: {importlib.metadata.version('tensorflow')}")
        return
    from serving.server.serve import serve

    serve(config)


if __name__ == "__main__":
    # TensorFlow would log a warning of its own for each failed request.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # gRPC would log a port that is taken; this server has a line of its own for that.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    run(main, Config, pass_unknown=True)
