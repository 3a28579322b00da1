"""What the wheel and the source archive carry, and the wheel installed elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release would be, without going online."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("dragstream-*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built: Path) -> set[str]:
    """The names in the wheel."""
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
    assert {f"dragstream/revel/static/{page}.js" for page in ("gallery", "blind")} <= wheel
    weights = [name for name in wheel if name.startswith("dragstream/models/playground/weights/")]
    assert [name for name in weights if name.endswith(".safetensors")]
    assert [name for name in weights if name.endswith(".md")]


def test_the_wheel_carries_nothing_left_over(wheel: set[str]) -> None:
    leftovers = (".pt", ".tmp", ".pyc", ".ts")

    assert not [name for name in wheel if name.endswith(leftovers)]


def test_the_wheel_carries_the_course(wheel: set[str]) -> None:
    course = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}

    assert {name for name in wheel if name.startswith("dragstream/course/")} == {
        f"dragstream/course/{name}" for name in course
    }
    assert not [name for name in wheel if name.endswith(".ipynb") and "/course/" not in name]


def test_the_wheel_brings_the_command(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith(".dist-info/entry_points.txt")]


def test_the_licence_travels_along(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_metadata_names_the_author_and_shows_no_dead_link(built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())

    assert f"name: {metadata['Author']}" in (ROOT / "CITATION.cff").read_text()
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = metadata.get_payload()
    assert "ds.Stream(" in text
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_the_source_archive_holds_what_the_repository_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run([*command, "--directory", str(tmp_path)], cwd=ROOT, check=True)
    (built,) = tmp_path.glob("dragstream-*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    here = {path.name for path in ROOT.iterdir() if path.is_file() and path.suffix != ".tmp"}
    assert here - names <= {".git"}
    assert {"Makefile", "environment.yml", "CONTRIBUTING.md", "tools/lab-overrides.json"} <= names
    assert {"notebooks/01_first_drag.ipynb", "tests/test_package.py"} <= names
    assert not [name for name in names if "node_modules" in name]


def test_the_readmes_ten_lines_run_from_the_installed_wheel(built: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    offline = ["--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, "install", *offline, str(built)], check=True)
    (site,) = (tmp_path / "env").rglob("site-packages")
    # Other packages are those of this environment, without its link to the repository.
    others = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "others.pth").write_text("\n".join(others))
    readme = (ROOT / "README.md").read_text()
    lines = re.search(r"\[start:lines\].*?```python\n(.*?)```", readme, re.DOTALL)
    assert lines
    code = f"{lines[1]}\nprint(ds.__file__)"

    done = subprocess.run(
        [str(python), "-c", code],
        cwd=tmp_path,
        env={"OMP_NUM_THREADS": "1", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).is_relative_to(site)
    assert (tmp_path / "first.gif").stat().st_size > 10_000
