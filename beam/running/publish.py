"""Output folders that are published whole: written aside, then put in their place."""

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from beam.running import storage
from tagkeras import files
from tagkeras.errors import UserError


def check_output(output: str, manifest: str, inputs: Sequence[str | None]) -> None:
    """Makes sure that a folder may be written, or replaced.

    Args:
        output: folder or URI.
        manifest: name of the file that all folders of this kind have.
        inputs: paths that will be read.

    Raises:
        UserError: it holds something else than such a folder, or what is to be read.
    """
    if storage.is_remote(output):
        is_ours = storage.exists(storage.join(output, manifest))
        is_used = is_ours or bool(storage.match(storage.join(output, "**")))
        folder = output.rstrip("/") + "/"
        inside = [path for path in inputs if path and f"{path}/".startswith(folder)]
    else:
        local = Path(output)
        if local.exists() and not local.is_dir():
            raise UserError(f"--output={output} is a file: name a folder")
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
    is always whole. If the block raises, or the process is killed, `output` stays as it was; what a
    killed run left beside it is removed by the next one (a remote one is left to its owner).

    Args:
        output: folder or URI.
        manifest: name of the file without which the folder is none of its kind.
    """
    if not storage.is_remote(output):
        with files.folder_written_aside(output) as local:
            yield storage.absolute(str(local))
        return
    parent, _, name = output.rstrip("/").rpartition("/")
    aside = f"{parent}/.{name}.{secrets.token_hex(4)}.tmp"
    try:
        yield aside
        _move_in_place(aside, output.rstrip("/"), manifest)
    finally:
        storage.remove_folder(aside)


def _move_in_place(aside: str, output: str, manifest: str) -> None:
    old = [file.path for file in storage.match(f"{output}/**")]
    last = f"{output}/{manifest}"
    storage.delete([path for path in old if path == last])
    storage.delete([path for path in old if path != last])
    targets = {
        file.path: f"{output}/{file.path.removeprefix(aside + '/')}"
        for file in storage.match(f"{aside}/**")
    }
    storage.move({source: target for source, target in targets.items() if target != last})
    storage.move({source: target for source, target in targets.items() if target == last})


def _is_inside(path: str, folder: Path) -> bool:
    if storage.is_remote(path):
        return False
    return Path(path).resolve().is_relative_to(folder.resolve())
