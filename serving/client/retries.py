"""How often, and after which pauses, an unavailable server is asked again; by all clients alike."""

import random

MAX_ATTEMPTS = 5  # the most that gRPC allows
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 0.8
GROWTH = 2
# Clients that failed together do not come back together. gRPC's own share.
JITTER = 0.2


def pause(failures: int) -> float:
    """Seconds to wait after so many failures of a call, one or more."""
    seconds = min(FIRST_PAUSE_SECONDS * GROWTH ** (failures - 1), LONGEST_PAUSE_SECONDS)
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)
