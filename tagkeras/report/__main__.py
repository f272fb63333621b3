"""A page about runs: one HTML file that opens offline, and its figures.

    python -m tagkeras.report --run=RUN --output=DIR --compare RUN RUN

A run is a workdir of `tagkeras.train` (evaluated first), a folder that `tagkeras.evaluate` wrote,
or the folder of a `tagkeras.experiment` (all of its runs). Writes `report.html`, `figures/`, and
evaluations of workdirs to `evaluations/`, which the next report on the same runs uses again.
"""

import importlib.util
import sys

from tagkeras.cli.commandline import run
from tagkeras.cli.errors import UserError
from tagkeras.report.config import Config

_PACKAGES = {"jinja2": "jinja2", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}


def main(config: Config) -> None:
    """Writes the page and says where it is."""
    _check_installed()
    # Imports TensorFlow and matplotlib.
    from tagkeras.report.page import write_report

    page = write_report(config, command=["python", "-m", "tagkeras.report", *sys.argv[1:]])
    print(f"wrote {page} and {page.parent / 'figures'}/; open it in a browser, it works offline")


def _check_installed() -> None:
    """Raises a `UserError` that says how to install what is missing of the extra `report`."""
    for module, package in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            raise UserError(
                f"reports need {package}, which is not installed:"
                " pip install -c constraints.txt '.[report]'"
            )


if __name__ == "__main__":
    run(main, Config)
