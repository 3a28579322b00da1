from __future__ import annotations

import json
import subprocess
import sys

import pytest

import dragstream

HEAVY = {"torch", "numpy", "pandas", "scipy", "diffusers", "matplotlib", "PIL", "anywidget"}


def modules_after(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout))


def test_importing_dragstream_imports_nothing_heavy() -> None:
    loaded = modules_after("import dragstream; dir(dragstream); dragstream.__version__")

    assert "dragstream" in loaded
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("dragstream.")]


def test_drags_need_no_torch() -> None:
    loaded = modules_after(
        "import dragstream as ds\nds.Drag(ds.regions.disc(center=(9, 9), radius=4), "
        "ds.Translation.by(3, 0))"
    )

    assert "dragstream.drags.motions" in loaded
    assert "torch" not in loaded


def test_the_packaged_model_needs_no_diffusers() -> None:
    loaded = modules_after("import dragstream as ds; ds.load('playground')")

    assert "dragstream.models.playground.model" in loaded
    assert "diffusers" not in loaded


def test_every_public_name_is_found_where_it_is_said_to_live() -> None:
    for name in dragstream.__all__:
        assert getattr(dragstream, name) is not None
    assert set(dir(dragstream)) == set(dragstream.__all__)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"'Steam'.*Stream"):
        dragstream.Steam  # noqa: B018
