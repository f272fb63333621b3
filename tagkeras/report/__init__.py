"""Figures and pages about datasets, runs and evaluations.

It takes the packages of the extra `report`, which nothing else of `tagkeras` needs: importing it
without them raises a `UserError` that says how to get them.
"""

import importlib.util

from tagkeras.cli.errors import UserError

_PACKAGES = {"jinja2": "jinja2", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}


def check_installed() -> None:
    """Makes sure that the packages of the extra `report` are there.

    Raises:
        UserError: one is missing; the message says how to install it.
    """
    for module, package in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            raise UserError(
                f"reports need {package}, which is not installed:"
                " pip install -c constraints.txt '.[report]'"
            )


check_installed()
