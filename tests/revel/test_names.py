from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from dragstream import revel


def test_every_name_is_there_and_no_module_hides_it() -> None:
    for name in revel.__all__:
        importlib.import_module(f"dragstream.revel.{revel._HOMES[name]}")
        value = getattr(revel, name)
        assert value.__class__.__name__ != "module"
    assert dir(revel) == sorted(revel.__all__) == sorted(revel._HOMES)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = revel.nothing


def test_importing_the_room_is_light() -> None:
    heavy = (
        "import sys, dragstream.revel; sys.exit(any(m in sys.modules for m in ('torch', 'cv2')))"
    )
    assert subprocess.run([sys.executable, "-c", heavy], check=False).returncode == 0
