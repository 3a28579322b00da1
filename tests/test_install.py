"""What stands in front of the first import: metadata, extras, environments, other systems."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import dragstream

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"
ENVIRONMENTS = [
    ROOT / name for name in ("environment.yml", "environment-dev.yml", "binder/environment.yml")
]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_extra_that_code_or_docs_name_exists():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    recipes = [ROOT / "Dockerfile", WORKFLOW, *ENVIRONMENTS]
    named = {}
    for path in [*(ROOT / "dragstream").rglob("*.py"), *pages, *recipes]:
        text = path.read_text()
        groups = re.findall(r"(?:dragstream|\.|whl)\[([a-z,]+)\]", text)
        groups += re.findall(r'\bneeded\([^()]*?"([a-z]+)"\)', text)
        for group in groups:
            named.setdefault(path.name, set()).update(group.split(","))

    assert {"axes.py", "trackers.py", "text.py", "install.md"} <= set(named)
    assert {path.name for path in recipes} <= set(named)
    assert {name: extras - EXTRAS for name, extras in named.items() if extras - EXTRAS} == {}


def test_the_page_on_installing_lists_all_extras():
    page = (ROOT / "docs" / "install.md").read_text()

    assert {name for name in EXTRAS if f"`{name}`" not in page} == set()
    assert f"dragstream-{dragstream.__version__}-py3-none-any.whl" in page


def test_conda_installs_what_make_does():
    makefile = (ROOT / "Makefile").read_text()
    extras = re.search(r"^EXTRAS := (.*)$", makefile, re.MULTILINE)[1]

    assert f"-e .[{extras}]" in (ROOT / "environment-dev.yml").read_text()
    assert "-e .[lab]" in (ROOT / "environment.yml").read_text()
    assert "nodejs" not in (ROOT / "environment.yml").read_text()
    assert "-e ..[lab]" in (ROOT / "binder" / "environment.yml").read_text()


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pip_finds_what_an_environment_names(path):
    """Conda runs pip in the folder of the file."""
    (lines,) = (
        each["pip"]
        for each in yaml.safe_load(path.read_text())["dependencies"]
        if isinstance(each, dict)
    )
    named = dict(line.split() for line in lines)

    assert (path.parent / named["-c"]).resolve() == ROOT / "constraints.txt"
    assert (path.parent / named["-e"].partition("[")[0]).resolve() == ROOT


def test_all_recipes_take_the_same_torch():
    """A newer one from the first line would be replaced by the second one, with CUDA."""
    (pinned,) = re.findall(r"^torch==.*$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    for name in ("README.md", "docs/install.md"):
        assert f"pip install {pinned} --index-url" in (ROOT / name).read_text()


def test_the_workflow_installs_what_make_does_on_the_pythons_that_are_named():
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    makefile = (ROOT / "Makefile").read_text()
    extras = re.search(r"^EXTRAS := (.*)$", makefile, re.MULTILINE)[1]
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    pythons = {*jobs["unit"]["strategy"]["matrix"]["python"], "3.11"}

    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
    assert lines[0] == ".ci/run"
    assert lines.count(f'pip install -c constraints.txt -e ".[{extras}]"') == len(jobs) - 1
    classifiers = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if ":: 3." in each}
    assert pythons == classifiers
    for name in lines[-1].split()[1:]:
        assert (ROOT / name).exists()


def test_containers_name_what_is_there():
    makefile = (ROOT / "Makefile").read_text()
    developers = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    program, target = developers["postCreateCommand"].split()
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert program == "make"
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for pattern in (r"^COPY --chown=\w+ ([\w.]+)", r"cp (\S+)", r"/lab/tree/([^\"]+)"):
        found = re.findall(pattern, dockerfile, re.MULTILINE)
        assert found
        assert [name for name in found if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("torch", "driver", "system", "asked"),
    [
        ("", "", "Linux", True),
        ("", "nvidia-smi", "Linux", False),
        ("", "", "Darwin", False),
        ("cpu", "nvidia-smi", "Linux", True),
        ("cuda", "", "Linux", False),
    ],
)
def test_make_chooses_the_build_of_torch(tmp_path, torch, driver, system, asked):
    command = ["make", "--dry-run", "install", f"VENV={tmp_path}/venv", f"DRIVER={driver}"]
    command += [f"TORCH={torch}"] if torch else []
    (tmp_path / "uname").write_text(f"#!/bin/sh\necho {system}\n")
    (tmp_path / "uname").chmod(0o755)
    path = f"PATH={tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["env", "-u", "MAKEFLAGS", path, *command],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert ("--index-url https://download.pytorch.org/whl/cpu" in done.stdout) is asked
    assert f"{tmp_path}/venv/bin/python -m pip install --quiet -c constraints.txt" in done.stdout


def test_lowest_takes_the_highest_of_several_lower_bounds():
    bounds = tool("lowest").lowest(["a[x]>=1.2,<3", "b", "a>=1.10", 'c>=4; python_version > "3"'])

    assert bounds == {"a": "1.10", "c": "4"}


def test_the_long_description_has_no_link_into_the_repository():
    convert = tool("long_description").long_description
    readme = "<!-- a -->\n![a film](docs/a.gif)\n[a page](docs/a.md), [paper](https://b.org/c)\n"

    alone = convert(readme, None)
    at_home = convert(readme, "https://example.org/d/")

    assert alone == "\na page, [paper](https://b.org/c)\n"
    assert at_home == (
        "![a film](https://example.org/d/raw/main/docs/a.gif)\n"
        "[a page](https://example.org/d/blob/main/docs/a.md), [paper](https://b.org/c)\n"
    )


def test_one_setting_makes_the_links_of_the_long_description_absolute():
    hook = tool("long_description").LongDescription(str(ROOT), {})
    metadata = {"urls": {**PROJECT["urls"], "Repository": "https://example.org/me/dragstream"}}

    hook.update(metadata)

    targets = re.findall(r"\]\(([^)]+)\)", metadata["readme"]["text"])
    assert "https://example.org/me/dragstream/raw/main/docs/pictures/live.webp" in targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_jupyterlab_asks_nothing_on_its_first_start(tmp_path):
    from jupyterlab.commands import get_app_dir
    from jupyterlab_server.settings_utils import get_settings

    shutil.copy(ROOT / "tools" / "lab-overrides.json", tmp_path / "overrides.json")
    (tmp_path / "settings").mkdir()
    name = "@jupyterlab/apputils-extension:notification"
    schemas = Path(get_app_dir()) / "schemas"

    answer, _ = get_settings(tmp_path, schemas, tmp_path / "settings", schema_name=name)

    assert answer["schema"]["properties"]["fetchNews"]["default"] == "false"


UNIX = {"fcntl", "grp", "pwd", "resource", "termios"}


def test_no_module_needs_what_windows_lacks():
    for path in (ROOT / "dragstream").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:  # not those under `if sys.platform …`
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not UNIX & set(names), path


WINDOWS = """
import importlib, json, os, sys
from pathlib import Path

from dragstream.widgets import Studio
print(json.dumps([*sys.modules]))
for name in [name for name in sys.modules if name.split(".")[0] == "dragstream"]:
    del sys.modules[name]
sys.platform = "win32"  # now that other packages are imported, which keep their own system
for name in json.loads(sys.argv[2]):
    sys.modules[name] = None  # an import of it raises
for name in ("sysconf", "getuid", "killpg", "O_NOFOLLOW"):
    delattr(os, name)

from dragstream.widgets import Studio
from dragstream.bench import measure
from dragstream.drags.files import replacing

place, rename = Path(sys.argv[1]), Path.replace
def replace(path, target):
    links = [f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd")]
    held = [os.readlink(link) for link in links if os.path.exists(link)]
    assert str(path) not in held, "Windows renames no open file"
    return rename(path, target)
Path.replace = replace
for text in ("one", "two"):
    with replacing(place) as part:
        part.write_text(text)
assert place.read_text() == "two"
"""


def test_the_studio_is_imported_alone_and_without_what_windows_lacks(tmp_path):
    code = [sys.executable, "-c", WINDOWS, str(tmp_path / "a.txt"), json.dumps(sorted(UNIX))]
    done = subprocess.run(code, cwd=ROOT, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    loaded = set(json.loads(done.stdout))
    assert "ipycanvas" in loaded
    assert not loaded & {"matplotlib", "scipy.interpolate", "scipy.optimize", "diffusers"}
