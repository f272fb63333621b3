"""Ends a run that does not get better any more."""

import keras

from tagkeras.train.run_state import RunState


class EarlyStopping(keras.callbacks.Callback):
    """Stops after `patience` epochs without a better validation R@10.

    Which epoch is the best is part of the run's state, so that a run that goes on stops where an
    uninterrupted one does.

    Args:
        state: of the run, with the epoch counted and compared already.
        patience: epochs to wait; 0 for ever.
    """

    def __init__(self, state: RunState, patience: int) -> None:
        super().__init__()
        self._state = state
        self._patience = patience

    @property
    def is_over(self) -> bool:
        """Whether the run has waited long enough."""
        return 0 < self._patience <= self._state.epoch - self._state.best_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops the run, and says so."""
        del logs
        if self.is_over:
            self.model.stop_training = True
            print(
                f"stopping after epoch {epoch + 1}: no better validation R@10"
                f" since epoch {self._state.best_epoch}",
                flush=True,
            )
