"""What the sections of the page are built from."""

import dataclasses

from tagkeras.report.config import Config
from tagkeras.report.experiment import Experiment
from tagkeras.report.runs import MULTIPLICATIVE, RunGroup
from tagkeras.report.svg import FigureFiles


class Omitted(Exception):  # noqa: N818 - it is no error
    """Raised by a section that has nothing to show; the page lists the message, the reason."""


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """Runs, options and the figures of the page.

    Files that an experiment names are filled in in `config`. The runs, some of which may be of an
    experiment, are grouped by the posts that they were evaluated on. `command` makes the page, a
    flag a line.
    """

    config: Config
    groups: tuple[RunGroup, ...]
    experiment: Experiment | None
    figures: FigureFiles
    command: str

    def find_user_model(self) -> tuple[RunGroup, str]:
        """The group and the name of the first multiplicative run whose folders are there.

        Raises:
            Omitted: there is none.
        """
        for group in self.groups:
            name = group.of_model(MULTIPLICATIVE)
            if name and group.runs[name].workdir and group.runs[name].dataset:
                return group, name
        raise Omitted(
            "it takes a run with --model=multiplicative whose workdir and dataset are there."
        )
