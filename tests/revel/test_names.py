from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

from dragstream import revel


def test_every_name_is_there_and_no_module_hides_it() -> None:
    for module in pkgutil.iter_modules(revel.__path__, "dragstream.revel."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert not any(inspect.ismodule(getattr(revel, name)) for name in revel.__all__)
    assert dir(revel) == sorted(revel.__all__)
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = revel.nothing


def test_importing_the_room_is_light() -> None:
    heavy = (
        "import sys, dragstream.revel; sys.exit(any(m in sys.modules for m in ('torch', 'cv2')))"
    )
    assert subprocess.run([sys.executable, "-c", heavy], check=False).returncode == 0
