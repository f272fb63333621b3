"""Progress within long epochs where there is no terminal to draw a bar on."""

import time

import keras

from tagkeras.train.run_state import RunState

# Seconds between two lines.
INTERVAL = 60.0


class ProgressLines(keras.callbacks.Callback):
    """Prints a line about every minute: step, loss, posts a second, time left of the epoch.

    Args:
        state: of the run, with the steps counted already.
        batch_size: posts in a step.
    """

    def __init__(self, state: RunState, batch_size: int) -> None:
        super().__init__()
        self._state = state
        self._batch_size = batch_size
        self._epoch = self._first_step = 0
        self._started = self._shown = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        del logs
        self._epoch, self._first_step = epoch, self._state.step
        self._started = self._shown = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Prints the line if it is time."""
        del batch
        now = time.monotonic()
        step, steps = self._state.step, self._state.steps_per_epoch
        if now - self._shown < INTERVAL or step >= steps:
            return
        self._shown = now
        seconds_per_step = (now - self._started) / max(step - self._first_step, 1)
        left = int((steps - step) * seconds_per_step)
        print(
            f"epoch {self._epoch + 1}: step {step:,} of {steps:,},"
            f" loss {(logs or {}).get('loss', float('nan')):.4f},"
            f" {self._batch_size / seconds_per_step:,.0f} posts/s,"
            f" {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
            flush=True,
        )
