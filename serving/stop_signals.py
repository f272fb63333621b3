"""The signals that ask a process to finish what it does and end."""

import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The system hands a signal to any thread of a process, Python runs its handler in the main thread,
# and does not wake that one: asleep in one long wait, it might never hear of it.
_SLICE_SECONDS = 0.5


class StopEvent(threading.Event):
    """An event whose `wait` lets the handlers of signals run, whichever thread took them."""

    def wait(self, timeout: float | None = None) -> bool:
        """As that of `threading.Event`; without a timeout, it is for the main thread."""
        if timeout is not None:
            return super().wait(timeout)
        while not super().wait(_SLICE_SECONDS):
            pass
        return True


def stop_signals() -> StopEvent:
    """An event that the first SIGTERM or SIGINT sets; a second one ends the process at once."""
    stopping = StopEvent()

    def on_signal(*_: object) -> None:
        stopping.set()
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        signal.signal(number, on_signal)
    return stopping
