"""What the wheel carries."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel, built as a release would be, without going online."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("dragstream-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_claims_one_import_name(wheel: set[str]) -> None:
    top = {name.split("/")[0] for name in wheel}

    assert {name for name in top if not name.endswith(".dist-info")} == {"dragstream"}


def test_every_module_of_the_repository_is_in_the_wheel(wheel: set[str]) -> None:
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "dragstream").rglob("*.py")}

    assert sources <= wheel


def test_the_wheel_carries_front_end_weights_and_types(wheel: set[str]) -> None:
    assert "dragstream/py.typed" in wheel
    assert [
        name
        for name in wheel
        if name.startswith("dragstream/widgets/static/") and name.endswith(".js")
    ]
    weights = [name for name in wheel if name.startswith("dragstream/models/playground/weights/")]
    assert [name for name in weights if name.endswith(".safetensors")]
    assert [name for name in weights if name.endswith(".md")]


def test_the_wheel_carries_nothing_left_over(wheel: set[str]) -> None:
    leftovers = (".pt", ".tmp", ".pyc", ".ts")

    assert not [name for name in wheel if name.endswith(leftovers)]


def test_the_wheel_carries_the_course(wheel: set[str]) -> None:
    course = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} | {"studio.png"}

    assert {name for name in wheel if name.startswith("dragstream/course/")} == {
        f"dragstream/course/{name}" for name in course
    }
    assert not [name for name in wheel if name.endswith(".ipynb") and "/course/" not in name]


def test_the_wheel_brings_the_command(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith(".dist-info/entry_points.txt")]


def test_the_licence_travels_along(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith(".dist-info/licenses/LICENSE")]
