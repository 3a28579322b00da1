from __future__ import annotations

import subprocess
import sys

import pytest

import dragstream.drags
from dragstream.drags import motions


def test_the_room_needs_no_torch():
    code = (
        "import sys, dragstream.drags.labels, dragstream.drags.regions;"
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_are_found_where_they_live():
    for name in dragstream.drags.__all__:
        assert getattr(dragstream.drags, name).__name__.rpartition(".")[2] == name
    assert dragstream.drags.Drag is motions.Drag
    with pytest.raises(AttributeError, match="attribute Nudge"):
        _ = dragstream.drags.Nudge
