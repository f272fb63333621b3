"""Memory of what is no longer used."""

import ctypes
import gc


def release() -> None:
    """Frees what only refers to itself, and gives free memory back to the operating system.

    Graphs and sessions are full of such circles. The C library keeps what they freed for later
    unless it is told otherwise; libraries other than glibc have no call for that.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
