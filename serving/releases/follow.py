"""Waits until servers have what a release says."""

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from serving.client.answers import RequestError, StatusCode
from serving.releases.release import Release
from serving.releases.watched_server import VersionState, WatchedServer
from tagkeras.cli.errors import UserError

# Between two looks.
_PAUSE_SECONDS = 0.2
# What a server answers, or does not, while it is started again.
PASSING = (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED)

States = Mapping[int, VersionState]


class Wanted(NamedTuple):
    """What servers shall have.

    Attributes:
        release: its versions available, no others, its labels.
        required: the versions that must be available; None for all of the release.
        gone: labels that they shall not know any more.
        exactly: no other versions than those of the release.
    """

    release: Release
    required: Collection[int] | None = None
    gone: Collection[str] = ()
    exactly: bool = True


def follow(
    servers: Sequence[WatchedServer],
    wanted: Wanted,
    *,
    before: Sequence[States] = (),
    timeout: float,
    silence: float | None = None,
    give_up_silent: bool = False,
) -> list[WatchedServer]:
    """Waits for servers; what one of them still lacks is told on standard error when it changes.

    Args:
        servers: to wait for.
        wanted: what they shall have.
        before: the states that each server was in before. A failure that is among them is an old
            one, until the version is in another state.
        timeout: seconds for all of it.
        silence: seconds without an answer after which a server is not waited for any more; None to
            wait as long as for others.
        give_up_silent: go on without servers that are silent for so long.

    Returns:
        The servers that were given up.

    Raises:
        UserError: a version of the release failed to load, a server is silent, or the time is over.
    """
    started = time.monotonic()
    known = [dict(states) for states in before] or [{} for _ in servers]
    answered = [started] * len(servers)
    waiting = dict.fromkeys(range(len(servers)), "")
    silent = []
    while True:
        for number in list(waiting):
            server = servers[number]
            try:
                lack = _lack(server, wanted, known[number])
                answered[number] = time.monotonic()
            except RequestError as error:
                if error.code not in PASSING:
                    raise
                lack = str(error)
                if silence is not None and time.monotonic() - answered[number] > silence:
                    if not give_up_silent:
                        raise UserError(f"{lack}, for {silence:g} s") from error
                    silent.append(server)
                    lack = ""
            if not lack:
                del waiting[number]
            elif lack != waiting[number]:
                waiting[number] = lack
                print(f"{server.address}: {lack} ...", file=sys.stderr, flush=True)
        if not waiting:
            return silent
        if time.monotonic() - started > timeout:
            number, lack = next(iter(waiting.items()))
            raise UserError(f"{servers[number].address}: {lack}, after {timeout:g} s")
        time.sleep(_PAUSE_SECONDS)


def has(server: WatchedServer, release: Release) -> bool:
    """Whether a server has all of a release and nothing else; not one that does not answer."""
    try:
        return not _lack(server, Wanted(release), {})
    except UserError:
        return False


def _lack(server: WatchedServer, wanted: Wanted, before: dict[int, VersionState]) -> str:
    """What a server lacks, in words; "" if nothing.

    Args:
        server: to ask.
        wanted: what it shall have.
        before: the states of before, of which those that have changed are taken away.

    Raises:
        RequestError: the server does not answer.
        UserError: a version failed to load.
    """
    release = wanted.release
    states = server.states()
    for version, old in list(before.items()):
        if states.get(version) != old:
            del before[version]
    for version in sorted(release.versions if wanted.required is None else wanted.required):
        found = states.get(version)
        if found is None:
            return f"version {version} is not known"
        if found.error and version not in before:
            raise UserError(f"{server.address}: version {version} failed: {found.error}")
        if found.state != "AVAILABLE":
            said = f" ({found.error})" if found.error else ""
            return f"version {version} is {found.state}{said}"
    for version, found in states.items():
        if wanted.exactly and version not in release.versions and found.state != "END":
            return f"version {version} is still {found.state}"
    for label, at_last in release.labels.items():
        if (at := server.version_of(label)) != at_last:
            return f"{label} is {at or 'no version'}, not {at_last}"
    for label in wanted.gone:
        if (at := server.version_of(label)) is not None:
            return f"{label} is still {at}"
    return ""
