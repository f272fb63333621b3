"""Makes the edits of a step, one after the other, each of them followed by the servers."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from tensorflow_serving.config import model_server_config_pb2

from serving.client.answers import RequestError
from serving.releases import config_file, push
from serving.releases.follow import Wanted, follow
from serving.releases.release import Release, changes
from serving.releases.watched_server import WatchedServer
from tagkeras.cli.errors import UserError

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
                not load, or that a server does not survive, leaves the file as it was.
        """
        for server in self._servers:
            server.states()  # one that cannot be asked is found before anything is changed
        if self._push and edits:
            with self._says("was not changed"):
                self._bring_up()
        for release in edits[: None if self._servers else 1]:
            self._edit(release)
        return len(edits) if self._servers else len(edits[:1])

    def take_back(self, edits: Sequence[Release]) -> int:
        """As `make`, but a server that does not answer stands in nobody's way.

        Raises:
            UserError: a server does not take an edit over; or, when all are made, does not answer.
        """
        silent: list[WatchedServer] = []
        for release in edits[: None if self._servers else 1]:
            config, wanted = self._write(release)
            if not self._servers:
                return 1
            with self._says("has the change: the same step waits for it again"):
                if self._push:
                    push.send(self._servers, config, _PUSH_SECONDS, to_all=True)
                silent = follow(
                    self._servers,
                    wanted,
                    timeout=self._timeout,
                    # Only what the last edit unloads may let them answer again.
                    silence=SILENCE_SECONDS if release == edits[-1] else 0.0,
                    give_up_silent=True,
                )
            self._tell_taken_over([server for server in self._servers if server not in silent])
        if silent:
            addresses = ", ".join(server.address for server in silent)
            raise UserError(
                f"no answer from {addresses}; {self._path} has the change for when they are back"
            )
        return len(edits)

    def check(self, release: Release, *, patient: bool = True) -> None:
        """Waits until the servers have what the file has already.

        Args:
            release: what the file has.
            patient: wait for a server that does not answer as long as for the others.

        Raises:
            UserError: a server does not take it over, or does not answer.
        """
        if self._push:
            self._bring_up()
        silence = None if patient else SILENCE_SECONDS
        follow(self._servers, Wanted(release), timeout=self._timeout, silence=silence)

    def _edit(self, release: Release) -> None:
        old = self._release()
        labels = dict(old.labels) if old else {}
        with self._says("was not changed"):
            self._wait_for({v for label, v in release.labels.items() if labels.get(label) != v})
            before = [server.states() for server in self._servers]
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else None
        config, wanted = self._write(release)
        if not self._servers:
            return
        added = set(release.versions) - set(old.versions if old else ())
        try:
            deadline = time.monotonic() + self._timeout
            if self._push:
                push.send(self._servers, config, self._timeout)
            follow(
                self._servers,
                wanted,
                before=before,
                timeout=max(deadline - time.monotonic(), 0),
                silence=SILENCE_SECONDS if added else None,
            )
        except UserError as error:
            if not added or text is None:
                raise UserError(
                    f"{error}; {self._path} has the change: the same step waits for it again"
                ) from error
            config_file.replace(self._path, text)
            if self._push:
                with contextlib.suppress(RequestError):  # what went wrong before is told
                    old_config = config_file.read(self._path)
                    push.send(self._servers, old_config, _PUSH_SECONDS, to_all=True)
            raise UserError(f"{error}; {self._path} is as it was") from error
        self._tell_taken_over(self._servers)

    def _bring_up(self) -> None:
        """An edit of before may not have reached the servers."""
        config = config_file.read(self._path)
        push.bring_up(self._servers, config, self._model, self._timeout)

    def _release(self) -> Release | None:
        return config_file.release_of(config_file.read(self._path), self._model)

    def _write(self, release: Release) -> tuple[model_server_config_pb2.ModelServerConfig, Wanted]:
        """Writes a release into the file: the config, and what servers of it shall have."""
        config = config_file.read(self._path)
        old = config_file.release_of(config, self._model)
        if old is None:
            config.model_config_list.config.add(
                name=self._model, base_path=self._base_path, model_platform="tensorflow"
            )
        config_file.set_release(config, self._model, release)
        if config_file.write(self._path, config):
            self._say(f"{self._path}: comments inside it are not kept, those before it are")
        self._say(f"{self._model}: {'; '.join(changes(old, release))}")
        old = old or Release((), {})
        # A version that is about to be given up may be one that does not load.
        required = {*release.versions} - {*old.versions} | {*release.labels.values()}
        return config, Wanted(release, required, gone=set(old.labels) - set(release.labels))

    def _wait_for(self, versions: Collection[int]) -> None:
        """A server gives a label only to a version that it has loaded."""
        if versions:
            loaded = Release(tuple(sorted(versions)), {})
            follow(self._servers, Wanted(loaded, exactly=False), timeout=self._timeout)

    def _tell_taken_over(self, servers: Sequence[WatchedServer]) -> None:
        if servers:
            self._say(f"taken over by {', '.join(server.address for server in servers)}")

    @contextlib.contextmanager
    def _says(self, state: str) -> Iterator[None]:
        """What fails meanwhile tells what has become of the file."""
        try:
            yield
        except UserError as error:
            raise UserError(f"{error}; {self._path} {state}") from error
