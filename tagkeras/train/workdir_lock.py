"""One run at a time in a workdir."""

import contextlib
import os
import re
from collections.abc import Iterator

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.train.workdir import Workdir

# How `tagkeras.cli.files` names what is being written or replaced.
_ASIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<suffix>tmp|old)")


@contextlib.contextmanager
def locked(workdir: Workdir) -> Iterator[None]:
    """Makes the folder, keeps other runs out of it, and removes what killed runs left there.

    Raises:
        UserError: another run is at work there.
    """
    workdir.path.mkdir(parents=True, exist_ok=True)
    if not os.access(workdir.path, os.W_OK):
        raise UserError(f"{workdir.path} cannot be written to: change its permissions")
    busy = (
        f"another run is at work in {workdir.path}: wait for its end, or choose another --workdir"
    )
    with files.locked(workdir.path, busy=busy):
        _clean_up(workdir)
        yield


def _clean_up(workdir: Workdir) -> None:
    """Removes what was being written; puts back what was being replaced."""
    for folder in (workdir.path, workdir.checkpoints, workdir.tensorboard):
        for path in list(folder.glob(".*")):
            if aside := _ASIDE.fullmatch(path.name):
                target = folder / aside["name"]
                if aside["suffix"] == "old" and not target.exists():
                    path.rename(target)
                else:
                    files.remove(path)
