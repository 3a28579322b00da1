"""The example package, installed as a person would: into a folder of its own, without network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "dragstream-echo"

USE = """
import sys
import numpy as np
import torch

import dragstream as ds

names = ds.models.available()
assert "echo" in names and "dragstream_echo" not in sys.modules, names
model = ds.load("echo")

from dragstream.method import RectificationMethod
from dragstream.models import VideoModel
from dragstream_echo import Echo, WithinRange

assert type(model) is Echo and isinstance(model, VideoModel)
assert isinstance(WithinRange(), RectificationMethod)

picture = np.full((64, 96, 3), 40, np.uint8)
picture[24:40, 16:32] = 220
stream = ds.Stream(model, "blue", seed=3, image=picture)
stream.step()
drag = ds.Drag(ds.regions.box(16, 24, 32, 40), ds.Translation.by(32, 0))
settings = ds.DragSettings.paper(rectification=WithinRange(3), iterations=40)
plain = stream.fork()
plain.step()
block = stream.animate([drag], settings=settings)[-1]
there = (slice(None), slice(24, 40), slice(48, 64))
assert block.frames[there][-1:].mean() > plain.blocks[-1].frames[there][-1:].mean() + 1
past = stream.blocks[0].noisy[1], stream.blocks[1].noisy[1]
for channel in range(3):
    low = min(float(part[-3:, channel].min()) for part in past)
    assert min(record.moments.minima[channel] for record in block.iterations) >= low - 1e-6

stream.save(sys.argv[1])
again = ds.Stream.restore(sys.argv[1], model, parts=[WithinRange])
assert again.blocks[-1].settings == block.settings
stream.step(), again.step()
assert np.array_equal(stream.frames, again.frames)
try:
    ds.Stream.restore(sys.argv[1], model)
except ValueError as error:
    assert "WithinRange" in str(error), error
else:
    raise AssertionError("an archive cannot name code by itself")
print("used")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that the package is installed in."""
    target = tmp_path_factory.mktemp("site")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target)]
    built = subprocess.run(
        [*command, str(PACKAGE)], check=False, capture_output=True, text=True, timeout=300
    )
    assert built.returncode == 0, built.stderr
    return target


def test_the_wheel_holds_the_code_and_the_announcement(site):
    (announced,) = site.glob("dragstream_echo-*.dist-info/entry_points.txt")
    assert "echo = dragstream_echo:load" in announced.read_text()
    assert {path.name for path in (site / "dragstream_echo").glob("*.py")} == {
        "__init__.py",
        "model.py",
        "rectification.py",
    }


def test_it_is_found_loaded_dragged_and_restored(site, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(site), str(ROOT)))}
    used = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE, str(tmp_path / "take.dragstream")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
    )
    assert used.returncode == 0, used.stderr
    assert used.stdout.split() == ["used"]
