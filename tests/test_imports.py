"""Who may import whom, read from the sources."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tagkeras", "beam", "serving")
COMMANDS = {
    *("train", "evaluate", "compare", "explain", "export", "experiment", "report", "add_tags"),
    *("pretrain", "synthetic"),
}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def imported(module):
    """The modules of ours that a module imports, wherever in it; not for types alone."""
    tree = ast.parse(MODULES[module].read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & MODULES.keys()
            if names - MODULES.keys():
                yield node.module


IMPORTS = {module: set(imported(module)) - {module} for module in MODULES}


def room(module):
    return module.split(".")[1] if "." in module else ""


def test_no_circle_of_files():
    tuple(graphlib.TopologicalSorter(IMPORTS).static_order())


@pytest.mark.parametrize("package", ["beam", "serving"])
def test_pipelines_and_servers_import_the_library_alone(package):
    for module, others in IMPORTS.items():
        if not module.startswith(f"{package}."):
            continue
        for other in others:
            assert other.split(".")[0] in (package, "tagkeras"), (module, other)
            if other.startswith("tagkeras"):
                assert room(other) not in COMMANDS, (module, other)


def test_the_library_imports_neither_commands_nor_the_other_packages():
    for module, others in IMPORTS.items():
        if not module.startswith("tagkeras."):
            continue
        for other in others:
            assert other.startswith("tagkeras"), (module, other)
            if room(module) not in COMMANDS:
                assert room(other) not in COMMANDS, (module, other)


def test_nothing_is_imported_from_a_command_line():
    for module, others in IMPORTS.items():
        assert not any(other.endswith(".__main__") for other in others), module


@pytest.mark.parametrize(
    "command",
    sorted(
        {name for name in MODULES if name.endswith(".__main__")}
        | {f"tagkeras.{name}" for name in COMMANDS if f"tagkeras.{name}.__main__" not in MODULES}
    ),
)
def test_flags_are_read_before_anything_heavy_is_imported(command):
    heavy = "{'tensorflow', 'keras', 'apache_beam', 'pandas', 'matplotlib'}"
    program = f"import sys, {command}; print(*({heavy} & sys.modules.keys()))"
    argv = [sys.executable, "-c", program]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "\n"
