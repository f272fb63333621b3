"""A YAML file whose values remember their lines, for errors that name the place."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tagkeras.cli.errors import UserError

# How a value is reached from the top: keys of mappings, numbers in lists.
Place = tuple[str | int, ...]


class YamlDocument:
    """What `yaml.safe_load` makes of a file, with the line of each value.

    Args:
        path: of the file.

    Raises:
        UserError: the file cannot be read, is no YAML, or names a key twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: dict[Place, int] = {(): 1}
        try:
            loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error
        except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
            raise UserError(f"{path} is no UTF-8 text") from error
        try:
            node = loader.get_single_node()
            self.value: Any = None
            if node is not None:
                self._note(node, ())
                self.value = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise UserError(f"{path}{line}: no YAML: {error.problem or error.context}") from error
        except RecursionError as error:
            raise UserError(f"{path}: a value contains itself") from error
        finally:
            loader.dispose()

    def error(self, place: Place, problem: str) -> UserError:
        """An error that names the file, the line and the place."""
        line = next(
            self._lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self._lines
        )
        where = f"{show_place(place)}: " if place else ""
        return UserError(f"{self.path}, line {line}: {where}{problem}")

    def _note(self, node: yaml.Node, place: Place) -> None:
        self._lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._note(item, (*place, index))
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*place, str(key.value))
                if inner in self._lines:
                    line = key.start_mark.line + 1
                    raise UserError(f"{self.path}, line {line}: {show_place(inner)} again")
                self._note(value, inner)
                # A value may begin below its key.
                self._lines[inner] = key.start_mark.line + 1


def show_place(place: Iterable[str | int]) -> str:
    """`grid[0].rank` of ("grid", 0, "rank")."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
