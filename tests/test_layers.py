"""Each room imports only what stands below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "dragstream"

# Bottom floor first. Rooms on one floor do not know each other.
FLOORS = (
    {"drags"},
    {"models"},
    {"method"},
    {"stream"},
    {"metrics"},
    {"revel", "bench"},
    {"plots"},
    {"widgets"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imported_modules(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import, wherever it stands, relative ones resolved.

    `from a import b` yields "a.b", since b may be a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def violations(source: str, module: tuple[str, ...], *, is_package: bool) -> list[str]:
    """The imports of one module of dragstream that point upward or sideways."""
    room = module[1]
    package = module if is_package else module[:-1]
    found = []
    for line, name in imported_modules(ast.parse(source), package):
        parts = name.split(".")
        if parts[0] != "dragstream" or name == "dragstream.__version__":
            continue
        other = parts[1] if len(parts) > 1 else ""
        if other == room:
            continue
        if other not in FLOOR or FLOOR[other] >= FLOOR[room]:
            found.append(f"{'.'.join(module)}:{line} imports {name}")
    return found


def modules() -> Iterator[tuple[Path, tuple[str, ...], bool]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        yield path, parts[:-1] if is_package else parts, is_package


def test_every_module_lives_on_a_floor() -> None:
    homeless = [
        str(path) for path, module, _ in modules() if len(module) > 1 and module[1] not in FLOOR
    ]

    assert not homeless


def test_no_import_points_upward() -> None:
    found = [
        violation
        for path, module, is_package in modules()
        if len(module) > 1 and module[1] in FLOOR
        for violation in violations(path.read_text(), module, is_package=is_package)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import dragstream.stream",
        "from dragstream.stream import Stream",
        "from dragstream import stream",
        "from dragstream import Stream",
        "import dragstream",
        "from ..stream.noise import noise",
        "from .. import stream",
        "def late():\n    from dragstream.widgets import DragCanvas",
        "if TYPE_CHECKING:\n    from dragstream.plots import drift",
    ],
)
def test_an_upward_import_is_caught(source: str) -> None:
    assert len(violations(source, ("dragstream", "method", "focus"), is_package=False)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "from dragstream import __version__",
        "from dragstream.drags.regions import rasterise",
        "from dragstream import models",
        "from . import frequency",
        "from .frequency import LowPass",
        "from ..drags import regions",
    ],
)
def test_a_downward_import_passes(source: str) -> None:
    assert not violations(source, ("dragstream", "method", "focus"), is_package=False)


def test_rooms_on_one_floor_do_not_import_each_other() -> None:
    source = "from dragstream.revel import scenes"

    assert violations(source, ("dragstream", "bench", "__main__"), is_package=False)


def test_relative_imports_of_a_package_start_at_itself() -> None:
    source = "from .base import ModelSpec\nfrom ..stream import Stream"

    found = violations(source, ("dragstream", "models"), is_package=True)

    assert found == ["dragstream.models:2 imports dragstream.stream.Stream"]
