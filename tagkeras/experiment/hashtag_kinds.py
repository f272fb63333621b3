"""What hashtags depend on, for the datasets of an experiment."""

from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data.hashtag_kinds import read_hashtag_kinds
from tagkeras.experiment.spec import Spec


def load_hashtag_kinds(spec: Spec) -> dict[str, dict[str, str]]:
    """Reads the files of the datasets that have one.

    Returns:
        For each of them the kind by hashtag.

    Raises:
        UserError: a file cannot be read, or a line does not fit.
    """
    kinds = {}
    for name, dataset in spec.datasets.items():
        if dataset.hashtag_kinds:
            try:
                kinds[name] = read_hashtag_kinds(Path(dataset.hashtag_kinds))
            except UserError as error:
                raise UserError(f"datasets.{name}.hashtag_kinds: {error}") from error
    return kinds
