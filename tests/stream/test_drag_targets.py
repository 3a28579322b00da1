import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Translation
from dragstream.drags.regions import warp
from dragstream.method.settings import DragSettings
from dragstream.stream import Stream
from dragstream.stream.drag_targets import block_targets, planned_targets

KEEP = regions.box(0, 24, 8, 32)


@pytest.fixture(scope="module")
def dragged(model, drags):
    stream = Stream(model, "red ball", seed=1)
    stream.step()
    stream.animate(drags, blocks=2, keep=KEEP, settings=DragSettings.paper(iterations=1))
    stream.edit(drags, settings=DragSettings.paper(iterations=1, focus=False))
    return stream


def test_each_latent_frame_has_its_own_target(dragged, drags, model):
    grid = model.spec.grid
    for place in range(3):
        targets = block_targets(dragged.blocks[1], place, grid)
        share = (place + 1) / 6
        moved = [warp(drag.mask(32, 48), drag.motion.at(share)) for drag in drags]
        np.testing.assert_allclose(targets.target, np.maximum(*moved), atol=1e-6)
        assert np.array_equal(targets.keep, regions.rasterise(KEEP, 32, 48))


def test_the_focus_is_highest_where_the_target_is(dragged, model):
    targets = block_targets(dragged.blocks[1], 2, model.spec.grid)
    assert targets.focus.shape == (4, 6)
    assert 0 <= targets.focus.min() < 0.2
    assert targets.focus.max() > 0.7
    cells = targets.target.reshape(4, 8, 6, 8).mean(axis=(1, 3))
    assert np.corrcoef(cells.ravel(), targets.focus.ravel())[0, 1] > 0.5


def test_an_edit_aims_in_its_last_frame_only(dragged, drags, model):
    edited = dragged.blocks[2]
    grid = model.spec.grid
    assert block_targets(edited, 0, grid) is None
    assert block_targets(edited, 1, grid) is None
    targets = block_targets(edited, 2, grid)
    assert targets.focus is None
    assert targets.keep is None
    moved = [warp(drag.mask(32, 48), drag.motion.at(1.0)) for drag in drags]
    np.testing.assert_allclose(targets.target, np.maximum(*moved), atol=1e-6)


def test_plain_blocks_aim_at_nothing(dragged, model):
    assert block_targets(dragged.blocks[0], 0, model.spec.grid) is None
    with pytest.raises(ValueError, match="latent frames 0 to 2, got 3"):
        block_targets(dragged.blocks[0], 3, model.spec.grid)


def test_plans(model):
    grid = model.spec.grid
    assert planned_targets((), None, None, grid) is None
    drag = Drag(regions.box(8, 8, 16, 16), Translation.by(8, 0))
    targets = planned_targets([drag], KEEP, None, grid)
    assert np.array_equal(
        targets.target >= 0.5, regions.rasterise(regions.box(16, 8, 24, 16), 32, 48)
    )
    assert targets.focus is not None
    assert planned_targets([drag], None, DragSettings.paper(focus=False), grid).focus is None
