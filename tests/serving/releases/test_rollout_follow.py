"""Waiting for servers that answer as a test says."""

import itertools
import types

import pytest

from serving.client.answers import RequestError, StatusCode
from serving.releases import follow
from serving.releases.follow import Wanted
from serving.releases.release import Release
from serving.releases.watched_server import VersionState
from tagkeras.cli.errors import UserError

AVAILABLE = VersionState("AVAILABLE", "")
LOADING = VersionState("LOADING", "")
FAILED = VersionState("END", "no model")
ONE = Wanted(Release((1,), {}))


class Scripted:
    """A server whose answers are given: states of version 1, or the code of a call that fails."""

    address = "there:8500"

    def __init__(self, *answers):
        self.answers = iter(answers)

    def states(self):
        answer = next(self.answers)
        if isinstance(answer, StatusCode):
            raise RequestError("there:8500 is silent", answer, "")
        return {1: answer}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Each look is a second after the one before, by a clock that nobody waits for."""
    clock = itertools.count()
    time = types.SimpleNamespace(sleep=lambda _: None, monotonic=lambda: float(next(clock)))
    monkeypatch.setattr(follow, "time", time)


def test_a_failure_of_before_is_no_news():
    server = Scripted(FAILED, FAILED, LOADING, AVAILABLE)
    assert follow.follow([server], ONE, before=[{1: FAILED}], timeout=99) == []
    assert next(server.answers, None) is None


def test_the_same_failure_again_is():
    server = Scripted(FAILED, LOADING, FAILED)
    before = {1: FAILED}
    with pytest.raises(UserError, match="there:8500: version 1 failed: no model"):
        follow.follow([server], ONE, before=[before], timeout=99)
    assert before == {1: FAILED}
    with pytest.raises(UserError, match="version 1 failed"):
        follow.follow([Scripted(LOADING, FAILED)], ONE, timeout=99)


def test_a_server_that_is_silent_for_too_long():
    gone = [StatusCode.UNAVAILABLE] * 40
    with pytest.raises(UserError, match="^there:8500 is silent, for 30 s$"):
        follow.follow([Scripted(LOADING, *gone)], ONE, timeout=99, silence=30)
    # An answer in between is all it takes.
    once = [*gone[:5], LOADING, *gone[:5], AVAILABLE]
    assert follow.follow([Scripted(*once)], ONE, timeout=99, silence=30) == []
    with pytest.raises(UserError, match="there:8500 is silent, after 20 s"):
        follow.follow([Scripted(*gone)], ONE, timeout=20)
    with pytest.raises(RequestError, match="is silent"):
        follow.follow([Scripted(StatusCode.INTERNAL)], ONE, timeout=99, silence=30)


def test_servers_are_followed_without_one_that_is_silent():
    silent, other = Scripted(*[StatusCode.UNAVAILABLE] * 40), Scripted(LOADING, AVAILABLE)
    given_up = follow.follow([silent, other], ONE, timeout=99, silence=9, give_up_silent=True)
    assert given_up == [silent]
