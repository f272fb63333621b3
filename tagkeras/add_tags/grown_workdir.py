"""A workdir like another, with more tags."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli import files
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.optimizer_state import find_state, save_state
from tagkeras.train.settings import Settings
from tagkeras.train.warm_start import warm_start
from tagkeras.train.weights import make_weights_checkpoint
from tagkeras.train.workdir import Workdir


def write_grown_workdir(
    run: Workdir, output: Path, new_tags: Mapping[str, int], rows: np.ndarray, how: dict[str, Any]
) -> None:
    """Writes a workdir that knows new tags as well; complete, or not at all.

    Known tags keep their ids, and all weights their bits. In `vocabulary.tsv` the new tags stand at
    the end with a count of 0, which is how many training posts of the dataset are counted for them;
    how many examples each has is in `added_tags.json`, which marks such a workdir. Instead of
    checkpoints it has the optimizers' state, for a run to start warm from.

    Args:
        run: of the known tags.
        output: of the new workdir.
        new_tags: each new tag in order, and how many examples it has.
        rows: float32 [T, d], their rows.
        how: to keep beside them: how they were learned.

    Raises:
        UserError: the run's state is damaged.
    """
    settings, manifest, known = Settings.of(run.config()), run.manifest(), run.vocabulary()
    manifest = dataclasses.replace(manifest, num_tags=len(known) + len(new_tags))
    counts = np.concatenate([known.counts, np.zeros(len(new_tags), np.int64)])
    vocabulary = Vocabulary((*known.tags, *new_tags), counts)
    model = settings.make_model(manifest, precision=settings.precision)
    settings.compile(model)
    warm_start(model, run, settings=settings, manifest=manifest, vocabulary=vocabulary)
    ids = tf.range(len(known), len(vocabulary))
    model.tag_table.value.scatter_update(tf.IndexedSlices(tf.constant(rows), ids))
    with files.folder_written_aside(output) as aside:
        for path in (run.path / "config.json", run.best / "epoch.json"):
            copy = aside / path.relative_to(run.path)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
        manifest.save(aside)
        vocabulary.save(aside / "vocabulary.tsv")
        make_weights_checkpoint(model).write(str(aside / "best" / "model"))
        if find_state(run) is not None:
            save_state(model, aside)
        before = run.added_tags()
        added = {
            "num_tags_trained": before["num_tags_trained"] if before else len(known),
            "added": [*(before["added"] if before else []), {**how, "tags": dict(new_tags)}],
        }
        files.write_text(aside / "added_tags.json", json.dumps(added, indent=2) + "\n")
