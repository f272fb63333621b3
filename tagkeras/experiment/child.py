"""Becomes a Python command that ends when the process that started it ends, however that ends.

    python child.py PARENT_ID -m tagkeras.train ...

A script of its own since it must import next to nothing. Linux only: elsewhere the command outlives
a killed parent, and the lock of its workdir keeps the next run out.
"""

import contextlib
import ctypes
import os
import signal
import sys

# Of Linux's prctl: the signal that a process gets when its parent ends. Execve keeps it.
_PR_SET_PDEATHSIG = 1

with contextlib.suppress(OSError, AttributeError):
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):  # the parent ended before the signal was asked for
    sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
