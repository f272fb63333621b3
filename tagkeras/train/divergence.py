"""Stops a run whose loss is no number any more."""

import math

import keras

from tagkeras.train.run_state import RunState
from tagkeras.train.weights import diverged


class Divergence(keras.callbacks.Callback):
    """Raises when the loss is NaN or infinite; stands before what saves the run.

    Args:
        state: of the run.
    """

    def __init__(self, state: RunState) -> None:
        super().__init__()
        self._state = state

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at the mean loss of the epoch, which one bad step spoils for good.

        Raises:
            UserError: it is not finite.
        """
        del batch
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise diverged(f"the loss is {loss}", str(self._state))
