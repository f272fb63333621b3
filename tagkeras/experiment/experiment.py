"""An experiment from its specification to its tables and findings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.hashtag_kinds import read_hashtag_kinds
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.findings import find_all, write_findings
from tagkeras.experiment.make_runs import make_runs
from tagkeras.experiment.processes import share_machine
from tagkeras.experiment.results import collect_results
from tagkeras.experiment.spec import read_spec
from tagkeras.experiment.tables import write_results, write_tables


def run_experiment(
    spec_file: str | Path,
    output: str | Path,
    parallel: int | None = None,
    datasets: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Makes the runs that are not there yet, then results, tables and findings.

    Args:
        spec_file: YAML file.
        output: folder of the experiment.
        parallel: runs at a time; None: one per GPU, or per core without GPUs.
        datasets: folders in place of the specification's, by dataset name.

    Returns:
        The table of each dataset, in Markdown.

    Raises:
        UserError: the specification is wrong, the folder holds another experiment, or a run failed.
    """
    spec = read_spec(Path(spec_file), datasets or {})
    kinds = {
        name: read_hashtag_kinds(Path(dataset.hashtag_kinds))
        for name, dataset in spec.datasets.items()
        if dataset.hashtag_kinds
    }
    # This process does nothing on a GPU, and would take memory from the runs.
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices([], "GPU")
    folder = ExperimentFolder(output)
    with folder.locked():
        folder.prepare(spec)
        if waiting := [run for run in spec.runs if not folder.is_finished(run)]:
            folder.clear_results()
            make_runs(folder, spec, share_machine(parallel, len(waiting), num_gpus=len(gpus)))
        results = collect_results(folder.path, spec.runs, kinds)
        write_results(folder.path, spec.runs)
        tables = write_tables(folder.path, results)
        write_findings(folder.path, results, *find_all(results))
    return tables


def parse_datasets(words: Sequence[str]) -> dict[str, str]:
    """The folders of `--datasets`, by dataset name.

    Raises:
        UserError: a word is not NAME=FOLDER, or names a dataset again.
    """
    folders: dict[str, str] = {}
    for word in words:
        name, _, folder = word.partition("=")
        if not name or not folder or name in folders:
            raise UserError(f"--datasets={','.join(words)}: give NAME=FOLDER, each name once")
        folders[name] = folder
    return folders
