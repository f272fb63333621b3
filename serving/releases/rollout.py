"""Makes the edits of a step, one after the other, each of them followed by the servers."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from serving.clients.answers import RequestError
from serving.releases import config_file, follow
from serving.releases.release import Release, changes
from serving.releases.watched_server import WatchedServer
from tagkeras.errors import UserError


class Rollout:
    """Edits the release of a model in a config file.

    Args:
        path: of the ascii ModelServerConfig.
        model: the model's name; the file has it, or `base_path` is given.
        servers: that take the file over, by looking at it or by `push`.
        base_path: of the model, where the file does not have it yet.
        push: send each edit to the servers, too.
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
                not load leaves the file as it was.
        """
        for server in self._servers:
            server.states()  # one that cannot be asked is found before anything is changed
        made = 0
        for release in edits:
            self._edit(release)
            made += 1
            if not self._servers:
                break
        return made

    def check(self, release: Release) -> None:
        """Waits until the servers have what the file has already."""
        follow.follow(self._servers, release, timeout=self._timeout)

    def _edit(self, release: Release) -> None:
        config = config_file.read(self._path)
        old = config_file.release_of(config, self._model)
        labels = dict(old.labels) if old else {}
        moved = {v for label, v in release.labels.items() if labels.get(label) != v}
        self._wait_for_versions(moved)
        before = [server.states() for server in self._servers]
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else None
        if old is None:
            config.model_config_list.config.add(
                name=self._model, base_path=self._base_path, model_platform="tensorflow"
            )
        config_file.set_release(config, self._model, release)
        if config_file.write(self._path, config):
            self._say(f"{self._path}: comments inside it are not kept, those before it are")
        self._say(f"{self._model}: {'; '.join(changes(old, release))}")
        if not self._servers:
            return
        added = set(release.versions) - set(old.versions if old else ())
        try:
            self._send(config)
            follow.follow(
                self._servers,
                release,
                gone=set(labels) - set(release.labels),
                # A version that is about to be given up may be one that does not load.
                required=added | set(release.labels.values()),
                before=before,
                timeout=self._timeout,
            )
        except UserError as error:
            if not added or text is None:
                raise UserError(
                    f"{error}; {self._path} has the change: the same step waits for it again"
                ) from error
            config_file.replace(self._path, text)
            if self._push:
                with contextlib.suppress(RequestError):  # what went wrong before is told
                    self._send(config_file.read(self._path))
            raise UserError(f"{error}; {self._path} is as it was") from error
        self._say(f"taken over by {', '.join(server.address for server in self._servers)}")

    def _wait_for_versions(self, versions: Collection[int]) -> None:
        """A server gives a label only to a version that it has loaded."""
        loaded = Release(tuple(sorted(versions)), {})
        try:
            follow.follow(self._servers, loaded, exactly=False, timeout=self._timeout)
        except UserError as error:
            raise UserError(f"{error}; {self._path} was not changed") from error

    def _send(self, config: object) -> None:
        if self._push:
            for server in self._servers:
                server.push(config)
