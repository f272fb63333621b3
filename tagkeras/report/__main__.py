"""A page about runs: one HTML file that opens offline, and its figures.

    python -m tagkeras.report --run=RUN --output=DIR --compare RUN RUN

A run is a workdir of `tagkeras.train` (evaluated first), a folder that `tagkeras.evaluate` wrote,
or the folder of a `tagkeras.experiment` (all of its runs). Writes `report.html`, `figures/`, and
evaluations of workdirs to `evaluations/`, which the next report on the same runs uses again.
"""

import sys

from tagkeras.cli.commandline import run
from tagkeras.cli.errors import UserError
from tagkeras.report.config import Config


def main(config: Config) -> None:
    """Writes the page and says where it is."""
    try:
        from tagkeras.report.page import write_report
    except ModuleNotFoundError as error:
        raise UserError(
            f"reports need {error.name}, which is not installed:"
            " pip install -c constraints.txt '.[report]'"
        ) from error
    page = write_report(config, command=["python", "-m", "tagkeras.report", *sys.argv[1:]])
    print(f"wrote {page} and {page.parent / 'figures'}/; open it in a browser, it works offline")


if __name__ == "__main__":
    run(main, Config)
