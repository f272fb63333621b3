"""Makes the edits of a step, one after the other, each of them followed by the servers."""

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from serving.clients.answers import RequestError
from serving.releases import config_file
from serving.releases.follow import Wanted, follow
from serving.releases.release import Release, changes
from serving.releases.watched_server import WatchedServer
from tagkeras.errors import UserError

# A server that has answered and does not any more: it was ended by what it was to load.
SILENCE_SECONDS = 30.0
# For a config that loads nothing.
_PUSH_SECONDS = 10.0


class ReleaseEditor:
    """Edits the release of a model in a config file.

    Args:
        path: of the ascii ModelServerConfig.
        model: the model's name; the file has it, or `base_path` is given.
        servers: that take the file over, by looking at it or by `push`.
        base_path: of the model, where the file does not have it yet.
        push: send the config to the servers, too.
        timeout: seconds that servers may take for an edit.
        say: told of each edit, in a line.
    """

    def __init__(
        self,
        path: str,
        model: str,
        servers: Sequence[WatchedServer] = (),
        *,
        base_path: str | None = None,
        push: bool = False,
        timeout: float = 600.0,
        say: Callable[[str], None] = print,
    ) -> None:
        self._path = Path(path)
        self._model = model
        self._servers = servers
        self._base_path = base_path
        self._push = push
        self._timeout = timeout
        self._say = say

    def make(self, edits: Sequence[Release]) -> int:
        """Makes edits; without servers only the first: the others need what nobody can see.

        Returns:
            How many were made.

        Raises:
            UserError: a server cannot be asked, or does not take an edit over. A version that does
                not load, or that servers do not survive, leaves the file as it was.
        """
        for server in self._servers:
            server.states()  # one that cannot be asked is found before anything is changed
        if self._push and edits:
            with self._unchanged():
                self._bring_up()
        made = 0
        for release in edits:
            self._edit(release)
            made += 1
            if not self._servers:
                break
        return made

    def take_back(self, edits: Sequence[Release]) -> int:
        """As `make`, but no server that does not answer stands in the way.

        Raises:
            UserError: after all edits, a server does not answer, or does not take them over.
        """
        if not self._servers:
            return self.make(edits)
        silent: list[WatchedServer] = []
        for release in edits:
            config, wanted = self._write(release)
            deadline = time.monotonic() + self._timeout
            if self._push:
                for server in self._servers:
                    with contextlib.suppress(RequestError):  # what it lacks is told
                        server.push(config, _left(deadline))
            with self._changed():
                silent = self._follow(wanted, deadline, give_up_silent=True)
            if answering := [server for server in self._servers if server not in silent]:
                self._tell_taken_over(answering)
        if silent:
            raise UserError(
                f"no answer from {_addresses(silent)}; {self._path} has the change: the same step "
                "with a --version waits for them again"
            )
        return len(edits)

    def check(self, release: Release) -> None:
        """Waits until the servers have what the file has already."""
        if self._push:
            self._bring_up()
        follow(self._servers, Wanted(release), timeout=self._timeout)

    def _bring_up(self) -> None:
        """Sends what the file has already, to servers that may have none of it.

        An edit may not have reached them, or they were started again from a file of their own.
        Labels come after the versions that they point to: earlier, a server would refuse them.
        """
        config = config_file.read(self._path)
        release = config_file.release_of(config, self._model)
        if release is None:
            return
        deadline = time.monotonic() + self._timeout
        for server in self._servers:
            held = {label: server.version_of(label) for label in release.labels}
            if held != release.labels:
                early = Release(release.versions, {}).labelled(**held)
                staged = config_file.read(self._path)
                config_file.set_release(staged, self._model, early)
                server.push(staged, _left(deadline))
                loaded = Wanted(early, required=set(release.labels.values()), exactly=False)
                follow([server], loaded, timeout=_left(deadline))
            server.push(config, _left(deadline))

    def _edit(self, release: Release) -> None:
        old = config_file.release_of(config_file.read(self._path), self._model)
        labels = dict(old.labels) if old else {}
        moved = {v for label, v in release.labels.items() if labels.get(label) != v}
        with self._unchanged():
            self._wait_for_versions(moved)
            before = [server.states() for server in self._servers]
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else None
        config, wanted = self._write(release)
        if not self._servers:
            return
        deadline = time.monotonic() + self._timeout
        added = set(release.versions) - set(old.versions if old else ())
        try:
            if self._push:
                for server in self._servers:
                    server.push(config, _left(deadline))
            silence = SILENCE_SECONDS if added else None
            follow(
                self._servers, wanted, before=before, timeout=_left(deadline), silence=silence
            )
        except UserError as error:
            if not added or text is None:
                raise self._has_the_change(error) from error
            config_file.replace(self._path, text)
            self._push_again()
            raise UserError(f"{error}; {self._path} is as it was") from error
        self._tell_taken_over(self._servers)
