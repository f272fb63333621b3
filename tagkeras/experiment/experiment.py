"""An experiment from its specification to its tables and findings."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from tagkeras.cli import files
from tagkeras.data.hashtag_kinds import read_hashtag_kinds
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.findings import find_all, write_findings
from tagkeras.experiment.make_runs import make_runs, share_machine
from tagkeras.experiment.results import collect_results
from tagkeras.experiment.spec import read_spec
from tagkeras.experiment.tables import write_results, write_tables


def run_experiment(
    spec_file: str, output: str, parallel: int | None = None, datasets: Sequence[str] = ()
) -> dict[str, str]:
    """Makes the runs that are not there yet, then results, tables and findings.

    Args:
        spec_file: YAML file.
        output: folder of the experiment.
        parallel: runs at a time; None: one per GPU, or per core without GPUs.
        datasets: NAME=FOLDER, folders in place of the specification's.

    Returns:
        The table of each dataset, in Markdown.

    Raises:
        UserError: the specification is wrong, the folder holds or runs another experiment, or a run
            failed.
    """
    spec = read_spec(Path(spec_file), datasets)
    kinds = {
        name: read_hashtag_kinds(Path(dataset.hashtag_kinds))
        for name, dataset in spec.datasets.items()
        if dataset.hashtag_kinds
    }
    # This process does nothing on a GPU, and would take memory from the runs.
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices([], "GPU")
    folder = ExperimentFolder(output)
    folder.path.mkdir(parents=True, exist_ok=True)
    busy = (
        f"another experiment is running in {output}: wait for its end, or choose another --output"
    )
    with files.locked(folder.path, busy=busy):
        folder.prepare(spec)
        if waiting := [run for run in spec.runs if not folder.is_finished(run)]:
            folder.clear_results()
            make_runs(folder, spec, share_machine(parallel, len(waiting), num_gpus=len(gpus)))
        results = collect_results(folder.path, spec.runs, kinds)
        write_results(folder.path, spec.runs)
        tables = write_tables(folder.path, results)
        write_findings(folder.path, results, *find_all(results))
    return tables
