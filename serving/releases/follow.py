"""Waits until servers have what a release says."""

import sys
import time
from collections.abc import Collection, Mapping, Sequence

from serving.clients.answers import RequestError, StatusCode
from serving.releases.release import Release
from serving.releases.watched_server import VersionState, WatchedServer
from tagkeras.errors import UserError

# Between two looks.
_PAUSE_SECONDS = 0.2
# What a server answers, or does not, while it is started again.
_PASSING = (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED)

States = Mapping[int, VersionState]


def follow(
    servers: Sequence[WatchedServer],
    release: Release,
    *,
    gone: Collection[str] = (),
    required: Collection[int] | None = None,
    before: Sequence[States] = (),
    exactly: bool = True,
    timeout: float,
) -> None:
    """Waits for servers; what one of them still lacks is told on standard error when it changes.

    Args:
        servers: to wait for.
        release: what they shall have: its versions available, no others, its labels.
        required: the versions of the release that must be available; all of them by default.
        gone: labels that they shall not know any more.
        before: the states that each server was in before. A failure that is among them is an old
            one, until the server tries again.
        exactly: no other versions than those of the release.
        timeout: seconds for all of it.

    Raises:
        UserError: a version of the release failed to load, or the time is over.
    """
    deadline = time.monotonic() + timeout
    required = sorted(release.versions if required is None else required)
    known = list(before) or [{} for _ in servers]
    waiting = dict.fromkeys(range(len(servers)), "")
    while True:
        for number in list(waiting):
            server = servers[number]
            lack = _lack(server, release, required, gone, known[number], exactly)
            if not lack:
                del waiting[number]
            elif lack != waiting[number]:
                waiting[number] = lack
                print(f"{server.address}: {lack} ...", file=sys.stderr, flush=True)
        if not waiting:
            return
        if time.monotonic() > deadline:
            number, lack = next(iter(waiting.items()))
            raise UserError(f"{servers[number].address}: {lack}, after {timeout:g} s")
        time.sleep(_PAUSE_SECONDS)


def _lack(
    server: WatchedServer,
    release: Release,
    required: Collection[int],
    gone: Collection[str],
    before: States,
    exactly: bool,
) -> str:
    """What a server lacks, in words; "" if nothing."""
    try:
        states = server.states()
        for version in required:
            found = states.get(version)
            if found is None:
                return f"version {version} is not known"
            if found.error and found != before.get(version):
                raise UserError(f"{server.address}: version {version} failed: {found.error}")
            if found.state != "AVAILABLE":
                said = f" ({found.error})" if found.error else ""
                return f"version {version} is {found.state}{said}"
        for version, found in states.items():
            if exactly and version not in release.versions and found.state != "END":
                return f"version {version} is still {found.state}"
        for label, wanted in release.labels.items():
            if (at := server.version_of(label)) != wanted:
                return f"{label} is {at or 'no version'}, not {wanted}"
        for label in gone:
            if (at := server.version_of(label)) is not None:
                return f"{label} is still {at}"
    except RequestError as error:
        if error.code in _PASSING:
            return str(error)
        raise
    return ""
