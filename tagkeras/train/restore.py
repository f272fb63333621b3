"""A trained model, out of its workdir."""

from tagkeras.cli.errors import UserError
from tagkeras.models import HashtagModel
from tagkeras.train.checkpoint_folder import UNREADABLE, first_line
from tagkeras.train.settings import Settings
from tagkeras.train.weights import make_weights_checkpoint
from tagkeras.train.workdir import Workdir


def restore_model(workdir: Workdir) -> HashtagModel:
    """The model of a run, with the weights of its best epoch.

    Raises:
        UserError: the folder is no workdir, no epoch was finished yet, or a file is damaged.
    """
    settings = Settings.of(workdir.config())
    workdir.best_epoch()
    model = settings.make_model(workdir.manifest())
    path = workdir.best / "model"
    try:
        make_weights_checkpoint(model).read(str(path)).assert_consumed()
    except UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({first_line(error)}): put back a copy,"
            " or train again in another --workdir"
        ) from error
    return model
