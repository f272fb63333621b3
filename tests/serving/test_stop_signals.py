import linecache
import os
import signal
import sys
import threading

import pytest
from serving_helpers import WAIT

from serving.stop_signals import stop_signals

KINDS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def stopping():
    before = [signal.getsignal(kind) for kind in KINDS]
    yield stop_signals()
    for kind, handler in zip(KINDS, before, strict=True):
        signal.signal(kind, handler)


@pytest.mark.parametrize("number", KINDS)
def test_the_second_signal_of_either_kind_ends_the_process(stopping, number):
    assert not stopping.is_set()
    os.kill(os.getpid(), number)
    assert stopping.wait(WAIT)
    assert [signal.getsignal(kind) for kind in KINDS] == [signal.SIG_DFL] * 2


@pytest.mark.timeout(20)
@pytest.mark.parametrize("number", KINDS)
def test_a_signal_that_another_thread_takes_is_heard_of(stopping, number):
    main = threading.main_thread().ident

    def take():
        line = ""
        while "waiter.acquire" not in line:
            frame = sys._current_frames()[main]
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        signal.pthread_kill(threading.get_ident(), number)

    thread = threading.Thread(target=take)
    thread.start()
    assert stopping.wait()
    thread.join()
