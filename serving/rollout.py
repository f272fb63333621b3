"""Brings a new version of a model to everyone step by step, and takes it back.

    python -m serving.rollout start --model_config_file=models.config --model_name=tags \
        --model_base_path=models/tags
    python -m serving.rollout canary --model_config_file=models.config --model_name=tags \
        --server=localhost:8500
    python -m serving.rollout promote ...    (or rollback)
    python -m serving.rollout finish ...

Each step edits the versions and labels of one model in an ascii ModelServerConfig, which the
embedded server and tensorflow_model_server read: `start` writes the first stable version, `canary`
loads another one beside it and gives it the label `canary`, `promote` makes it the stable one,
`rollback` takes the canary or the promotion back, and `finish` unloads the version before. `status`
changes nothing and tells where everything stands.

With --server, a step waits until the servers have done what it asks for; several servers are
separated by commas. They follow the file by --model_config_file_poll_wait_seconds, or get it by
--push. Without --server, where the file still has to be brought to the servers, a command makes one
edit and tells the next command. A step that was interrupted goes on where it stopped, if it is
asked for again. A version that does not load is taken back, and `rollback` waits for no server that
does not answer.
"""

import contextlib
import dataclasses
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from serving.client.tls_flags import TlsFlags
from serving.releases.release import MAX_VERSION, Release
from serving.releases.steps import STEPS, Asked, NothingToRollBackError
from tagkeras.cli import files
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from serving.releases.watched_server import WatchedServer

_STATUS = "status"
# What may come after a step.
_NEXT = {"start": ("canary",), "canary": ("promote",), "promote": ("finish", "rollback")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TlsFlags):
    """Flags of the command."""

    step: str = option(help="what to do", choices=(_STATUS, *STEPS), positional=True)
    model_config_file: str = option(help="ascii ModelServerConfig to edit; start makes a new one")
    model_name: str = option(help="name of the model in it")
    model_base_path: str | None = option(
        None, help="folder of the model's versions, for the start of a model that is new"
    )
    version: int | None = option(
        None,
        help="of start and canary: the version, by default the newest in the model's folder; of "
        "the others: the version that must come out, or they do nothing",
        minimum=1,
    )
    server: tuple[str, ...] = option(
        (), help="host:port of the gRPC API of each server to wait for, with commas between them"
    )
    push: bool = option(
        False, help="send the config to the servers; by default they look at the file themselves"
    )
    timeout: float = option(
        600.0, help="seconds to wait for the servers at each edit", minimum=0.001
    )


def main(config: Config) -> None:
    """Does one step."""
    if config.push and not config.server:
        raise UserError("--push sends the config to servers: name them by --server")
    if config.model_base_path is not None and config.step != "start":
        raise UserError(f"--model_base_path is for start; {config.step} takes the file's")
    if config.version is not None and config.version > MAX_VERSION:
        raise UserError(f"--version={config.version} is too large: versions end at {MAX_VERSION}")
    with contextlib.ExitStack() as stack:
        servers = _servers(config, stack)
        if config.step == _STATUS:
            from serving.releases.standing import print_standing

            print_standing(config.model_config_file, config.model_name, servers)
            return
        folder = Path(config.model_config_file).resolve().parent
        if not folder.is_dir():
            raise UserError(f"--model_config_file={config.model_config_file}: no such folder")
        stack.enter_context(files.locked(folder, busy=f"another rollout is at work in {folder}"))
        _take_step(config, servers)


def _take_step(config: Config, servers: "Sequence[WatchedServer]") -> None:
    from serving.releases import config_file, follow
    from serving.releases.edits import ReleaseEditor

    name = config.model_name
    content = config_file.read(config.model_config_file)
    release = config_file.release_of(content, name)
    base_path = _base_path(config)
    model = config_file.find(content, name)
    if model is None and (config.step != "start" or base_path is None):
        remedy = "check its name" if config.step != "start" else "give its --model_base_path"
        raise UserError(f"{config.model_config_file} has no model {name!r}: {remedy}")
    if model is not None and base_path not in (None, model.base_path):
        raise UserError(f"{config.model_config_file} has {name} in {model.base_path} already")
    found = config_file.versions_on_disk(model.base_path if model else base_path or "")
    if config.step in ("start", "canary"):
        _check_version(config, found)
    asked = Asked(name, config.version, max(found) if found else None, running=bool(servers))
    try:
        edits = STEPS[config.step](release, asked)
    except NothingToRollBackError:
        assert release is not None
        if all(follow.has(server, release) for server in servers):
            raise
        edits = []  # they were made, but have not reached every server
    editor = ReleaseEditor(
        config.model_config_file,
        name,
        servers,
        base_path=base_path,
        push=config.push,
        timeout=config.timeout,
    )
    if not edits:
        assert release is not None
        print(f"{name}: nothing to change: {release}")
        editor.check(release, patient=config.step != "rollback")
    made = editor.take_back(edits) if config.step == "rollback" else editor.make(edits)
    if not servers:
        at = edits[made - 1] if made else release
        assert at is not None
        _tell_next(config, at, done=made == len(edits), visible=found is not None)


def _check_version(config: Config, found: set[int] | None) -> None:
    """Refuses a version that is not there, as far as the folder can be seen."""
    if found is not None and not found:
        raise UserError(f"the folder of {config.model_name} has no versions: export one")
    if found is not None and config.version is not None and config.version not in found:
        raise UserError(
            f"the folder of {config.model_name} has no version {config.version}, but "
            f"{', '.join(map(str, sorted(found)))}"
        )


def _base_path(config: Config) -> str | None:
    path = config.model_base_path
    if path is None or "://" in path:
        return path
    return str(Path(path).absolute())


def _servers(config: Config, stack: contextlib.ExitStack) -> "list[WatchedServer]":
    if not config.server:
        return []
    from serving.releases.watched_server import WatchedServer

    tls = config.tls_files()
    return [
        stack.enter_context(WatchedServer(server, config.model_name, tls=tls))
        for server in config.server
    ]


def _tell_next(config: Config, release: Release, *, done: bool, visible: bool) -> None:
    """The commands that may come next, once the servers have the file."""
    lead = f"next, once every server has {release}:"
    for step in _NEXT.get(config.step, ()) if done else (config.step,):
        flags = [
            f"--model_config_file={config.model_config_file}",
            f"--model_name={config.model_name}",
        ]
        if not done and config.version is not None:
            flags.append(f"--version={config.version}")
        elif step == "canary" and not visible and release.stable is not None:
            # The newest cannot be seen: most likely, the one after.
            flags.append(f"--version={release.stable + 1}")
        print(lead, f"  {shlex.join(['python', '-m', 'serving.rollout', step, *flags])}", sep="\n")
        lead = "or, to go back:"


if __name__ == "__main__":
    # gRPC would log what an error tells anyway. It looks at this once, when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    run(main, Config)
