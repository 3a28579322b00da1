"""CoTracker from a folder laid out as its repository: hubconf.py with `cotracker3_offline`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dragstream.metrics.cotracker import CoTracker
from dragstream.metrics.objmc import LowCoverage, objmc


@pytest.fixture(name="folder")
def folder_fixture(hub_folder: Path) -> Path:
    return hub_folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "scaled_offline.pth"
    torch.save({"speed": torch.tensor([3.0, -2.0])}, file)
    return file


def test_it_follows_points_from_a_hub_folder(folder, checkpoint, sliding, inner, step) -> None:
    tracker = CoTracker(folder, checkpoint)
    tracks, consistent = tracker.track(sliding, inner)
    expected = inner + np.arange(len(sliding))[:, None, None] * np.array(step)
    np.testing.assert_allclose(tracks, expected, atol=1e-4)
    np.testing.assert_array_equal(consistent, expected[..., 0] <= 100)
    assert consistent[0].all()
    assert tracker.name == "cotracker3"


def test_objmc_takes_it(folder, checkpoint, sliding, disc, step) -> None:
    from dragstream.drags.motions import Drag, Translation

    drag = Drag(disc, Translation.by(4 * step[0], 4 * step[1] + 4))
    result = objmc(sliding, drag, tracker=CoTracker(folder, checkpoint))
    assert result.tracker == "cotracker3"
    np.testing.assert_allclose(result.distances, (1, 2, 3, 4), atol=1e-4)


def test_what_is_missing_is_named(folder, sliding, inner, tmp_path) -> None:
    for tracker, error, said in (
        (CoTracker(tmp_path / "nowhere"), FileNotFoundError, "no folder .*nowhere.*clone"),
        (CoTracker(tmp_path), ValueError, "holds no hubconf.py"),
        (CoTracker(folder), FileNotFoundError, "cannot get its weights .*no network.*scaled"),
        (
            CoTracker(folder, tmp_path / "none.pth"),
            FileNotFoundError,
            "no CoTracker weights .*none.pth",
        ),
        (CoTracker(folder, folder / "hubconf.py"), ValueError, "holds no weights"),
    ):
        with pytest.raises(error, match=said):
            tracker.track(sliding, inner)


def test_weights_of_something_else_are_refused(folder, sliding, inner, tmp_path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, file)
    with pytest.raises(ValueError, match=r"other.pth' does not fit 'cotracker3_offline'"):
        CoTracker(folder, file).track(sliding, inner)


def test_points_out_of_sight_lower_the_coverage(folder, tmp_path, sliding, disc) -> None:
    from dragstream.drags.motions import Drag, Translation

    fast = tmp_path / "fast.pth"
    torch.save({"speed": torch.tensor([15.0, 0.0])}, fast)
    with pytest.warns(LowCoverage, match="0% .* by cotracker3"):
        objmc(sliding, Drag(disc, Translation.by(60, 0)), tracker=CoTracker(folder, fast))
