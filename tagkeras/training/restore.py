"""A trained model, out of its workdir."""

import tensorflow as tf

from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.training.settings import Settings
from tagkeras.training.workdir import Workdir


def restore_model(workdir: Workdir) -> HashtagModel:
    """The model of a run, with the weights of its best epoch.

    Raises:
        UserError: the folder is no workdir, or no epoch was finished yet.
    """
    settings = Settings.of(workdir.config())
    workdir.best_epoch()
    model = settings.make_model(workdir.manifest())
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(str(workdir.best / "model")).expect_partial()
    return model
