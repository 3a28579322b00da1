"""Each room imports only what stands below it, and no module imports itself by way of others."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
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
    for path in sorted(PACKAGE.rglob("*.py*")):
        if path.suffix not in {".py", ".pyi"}:
            continue
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


Module = tuple[str, tuple[str, ...], bool]
"""Source, dotted name in parts, and whether it is a package."""


def imports(sources: Iterable[Module]) -> dict[str, set[str]]:
    """For each module of a package, those of the same package that it imports.

    A package's stub counts as the package. What only runs later, or is for type checkers, counts.
    """
    known: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for source, module, is_package in sources:
        package = module if is_package else module[:-1]
        known.setdefault(".".join(module), []).append((source, package))
    found: dict[str, set[str]] = {name: set() for name in known}
    for name, parts in known.items():
        for source, package in parts:
            for _, imported in imported_modules(ast.parse(source), package):
                other = imported
                while other and other not in known:
                    other = other.rpartition(".")[0]  # a name in a module
                if other and other != name:
                    found[name].add(other)
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_imports_run_in_a_circle() -> None:
    graph = imports((path.read_text(), module, package) for path, module, package in modules())

    assert circle(graph) == []


@pytest.mark.parametrize(
    "second",
    [
        "from package.first import name",
        "def late():\n    from package import first",
        "if TYPE_CHECKING:\n    from .first import name",
        "from package import lazy",
    ],
)
def test_a_circle_within_a_room_is_seen(second: str) -> None:
    graph = imports(
        [
            ("", ("package",), True),
            ("from .first import lazy", ("package",), True),  # its stub
            ("from package.second import name", ("package", "first"), False),
            (second, ("package", "second"), False),
        ]
    )

    assert {"package.first", "package.second"} <= set(circle(graph))


def test_a_line_of_imports_is_no_circle() -> None:
    graph = imports(
        [
            ("from . import first, second", ("package",), True),
            ("from package.second import name", ("package", "first"), False),
            ("import torch", ("package", "second"), False),
        ]
    )

    assert graph["package.first"] == {"package.second"}
    assert circle(graph) == []
