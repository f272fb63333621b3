"""Output folders that are published whole: written aside, then put in their place."""

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from beam.running import storage
from tagkeras.cli import files
from tagkeras.cli.errors import UserError

# What the name of a manifest ends with while a remote folder is being replaced.
_INCOMPLETE = ".incomplete"


def check_output(output: str, manifest: str, inputs: Sequence[str | None]) -> None:
    """Makes sure that a folder or URI may be written, or replaced, and nothing that will be read.

    Raises:
        UserError: it holds something else than such a folder, or what is to be read.
    """
    if storage.is_remote(output):
        if output.startswith("hdfs://"):
            raise UserError(
                f"--output={output}: on HDFS files cannot be published together: write to a disk"
                " that all workers share, to s3:// or to gs://"
            )
        is_ours = any(
            storage.exists(storage.join(output, name))
            for name in (manifest, manifest + _INCOMPLETE)
        )
        is_used = is_ours or bool(storage.match(storage.join(output, "**")))
        folder = output.rstrip("/") + "/"
        inside = [path for path in inputs if path and f"{path}/".startswith(folder)]
    else:
        local = Path(output)
        if local.exists() and not local.is_dir():
            raise UserError(f"--output={output} is a file: name a folder")
        if local.is_mount():
            raise UserError(f"--output={output} is a mounted disk: name a folder on it")
        is_ours = (local / manifest).is_file()
        is_used = local.is_dir() and any(local.iterdir())
        inside = [path for path in inputs if path and _is_inside(path, local)]
    if is_used and not is_ours:
        raise UserError(
            f"--output={output} holds other things than an earlier {manifest} and its files: name"
            " another folder or an empty one"
        )
    if inside:
        raise UserError(
            f"--output={output} would replace what is to be read, {inside[0]}: name another folder"
        )


@contextlib.contextmanager
def published(output: str, manifest: str) -> Iterator[str]:
    """Yields a folder to write to, whose content replaces that of `output` at the end.

    A local folder changes places with the old one in one step. Object stores have no such step:
    there the old manifest goes first and the new one comes last, so that a folder with a manifest
    is always whole. If the block raises, or the process is killed while it goes on, `output` stays
    as it was. What a killed run left beside it is removed by the next one; a remote one is left to
    its owner, as is what was moved when a run is killed while it replaces a remote folder.
    """
    if not storage.is_remote(output):
        with files.folder_written_aside(output) as local:
            yield str(local)
            # Of workers that were killed while they wrote a file, and replaced.
            for leftover in list(local.rglob(".*.tmp")):
                files.remove(leftover)
        return
    parent, _, name = output.rstrip("/").rpartition("/")
    aside = f"{parent}/.{name}.{secrets.token_hex(4)}.tmp"
    try:
        yield aside
    except BaseException:
        storage.remove_folder(aside)
        raise
    # If this fails half-way, what is left of the new content is in the folder aside.
    _move_in_place(aside, output.rstrip("/"), manifest)
    storage.remove_folder(aside)


def _move_in_place(aside: str, output: str, manifest: str) -> None:
    last, marker = f"{output}/{manifest}", f"{output}/{manifest}{_INCOMPLETE}"
    storage.write_text(marker, f"{aside} is being moved here\n")
    old = [file.path for file in storage.match(f"{output}/**") if file.path != marker]
    storage.delete([path for path in old if path == last])
    storage.delete([path for path in old if path != last])
    targets = {
        file.path: f"{output}/{file.path.removeprefix(aside + '/')}"
        for file in storage.match(f"{aside}/**")
    }
    storage.move({source: target for source, target in targets.items() if target != last})
    storage.move({source: target for source, target in targets.items() if target == last})
    storage.delete([marker])


def _is_inside(path: str, folder: Path) -> bool:
    if storage.is_remote(path):
        return False
    return Path(path).resolve().is_relative_to(folder.resolve())
