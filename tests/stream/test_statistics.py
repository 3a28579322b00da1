import numpy as np
import pytest

from dragstream.stream import Stream
from dragstream.stream.tables import COLUMNS


@pytest.fixture(scope="module")
def dragged(model, drags):
    stream = Stream(model, "red ball", seed=11)
    stream.run(2, progress=False)
    stream.prompt = "blue"
    stream.animate(drags, blocks=2)
    stream.edit(drags[:1])
    return stream


def test_one_row_per_iteration_and_per_latent_frame(dragged):
    table = dragged.statistics
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 4 * 3 + 2 * 4
    frames, iterations = table[table.frame.notna()], table[table.iteration.notna()]
    assert (table.frame.notna() ^ table.iteration.notna()).all()
    assert frames.latent_frame.tolist() == list(range(12))
    assert frames.frame.tolist() == [0, 1, 2] * 4
    assert iterations.block.tolist() == [2] * 4 + [3] * 4
    assert iterations.iteration.tolist() == [0, 1, 2, 3] * 2
    assert table["mode"].tolist() == ["step"] * 6 + ["animate"] * 7 + ["edit"] * 7
    assert set(table.prompt[table.block == 2]) == {"blue"}
    assert table.block.is_monotonic_increasing


def test_the_moments_of_frames_are_numpys(dragged):
    table = dragged.statistics
    frames = table[table.frame.notna()]
    latents = dragged.latents.numpy().astype(np.float64).reshape(12, -1)
    for name in ("mean", "std", "min", "max"):
        np.testing.assert_allclose(frames[name], getattr(latents, name)(axis=1), rtol=1e-5)


def test_the_drift_of_frames_is_against_the_nine_before_the_block(dragged):
    table = dragged.statistics
    drift = table.drift[table.frame.notna()].to_numpy()
    latents = dragged.latents.numpy().astype(np.float64)
    assert np.isnan(drift[:3]).all()
    for frame in range(3, 12):
        first = frame // 3 * 3
        past = latents[max(0, first - 9) : first]
        means = latents[frame].mean(axis=(1, 2)) - past.mean(axis=(0, 2, 3))
        stds = latents[frame].std(axis=(1, 2)) - past.std(axis=(0, 2, 3))
        assert drift[frame] == pytest.approx(np.sqrt((means**2 + stds**2).mean()), rel=1e-4)


def test_the_rows_of_iterations_are_the_records(dragged):
    table = dragged.statistics
    rows = table[table.iteration.notna() & (table.block == 3)]
    records = dragged.blocks[3].iterations
    for name in ("segment", "cutoff", "loss", "loss_rec", "loss_cst", "gradient_norm", "drift"):
        assert rows[name].tolist() == [getattr(record, name) for record in records]
    assert rows["mean"].tolist() == [record.moments.mean for record in records]
    assert rows.mean_before.tolist() == [record.moments_before.mean for record in records]
    noisy = dragged.blocks[3].noisy[1].numpy()
    assert rows["mean"].iloc[-1] == pytest.approx(noisy.mean(), abs=1e-5)
    assert rows["max"].iloc[-1] == pytest.approx(noisy.max(), abs=1e-5)


def test_the_seconds_of_a_block_add_up(dragged):
    table = dragged.statistics
    block = dragged.blocks[2]
    seconds = table.seconds[(table.block == 2) & table.frame.notna()]
    assert seconds.sum() == pytest.approx(block.timings.total)
    timings = block.timings
    parts = sum(timings.steps) + timings.drag + timings.commit + timings.decode
    assert timings.total == pytest.approx(parts)


def test_an_empty_stream_has_an_empty_table(model):
    table = Stream(model, "red").statistics
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0
    assert str(table.block.dtype) == "Int64"


def test_a_blocks_moments_are_over_all_its_frames(dragged):
    block = dragged.blocks[1]
    assert block.moments.mean == pytest.approx(block.latents.numpy().mean(), abs=1e-5)
    assert block.moments.maximum == block.latents.numpy().max()
    assert len(block.frame_moments) == 3
    assert block.frame_moments[2].std == pytest.approx(block.latents[2].numpy().std(), rel=1e-5)
