from __future__ import annotations

import pytest
import torch

from dragstream.method.rectification import Rectification, normalise_prediction, rectify


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def statistics(values, over):
    std, mean = torch.std_mean(values, dim=over, correction=0)
    return mean, std


BLOCK = 1.5 * randn(1, 3, 4, 8, 12, seed=1) + 0.3
PAST = randn(9, 4, 8, 12, seed=2) * torch.tensor([0.5, 1.0, 2.0, 0.1])[:, None, None] - 1.0


def assert_alike(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_each_channel_takes_on_the_statistics_of_the_neighbours():
    rectified = Rectification().prepare(BLOCK, PAST)(randn(1, 3, 4, 8, 12))
    assert_alike(statistics(rectified, (0, 1, 3, 4)), statistics(PAST, (0, 2, 3)))


def test_only_the_newest_neighbours_count():
    rectified = Rectification(neighbours=3).prepare(BLOCK, PAST)(BLOCK)
    assert_alike(statistics(rectified, (0, 1, 3, 4)), statistics(PAST[-3:], (0, 2, 3)))


def test_it_is_affine_in_each_channel():
    latents = randn(1, 3, 4, 8, 12)
    rectified = Rectification().prepare(BLOCK, PAST)(latents)
    mean, std = statistics(latents, (0, 1, 3, 4))
    target_mean, target_std = statistics(PAST, (0, 2, 3))
    broad = (..., slice(None), None, None)
    expected = (latents - mean[broad]) / std[broad] * target_std[broad] + target_mean[broad]
    torch.testing.assert_close(rectified, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("past", [None, PAST[:0]])
def test_without_a_past_the_block_keeps_its_own_statistics(past):
    rectified = Rectification().prepare(BLOCK, past)(randn(1, 3, 4, 8, 12) * 3)
    assert_alike(statistics(rectified, (0, 1, 3, 4)), statistics(BLOCK, (0, 1, 3, 4)))
    torch.testing.assert_close(Rectification().prepare(BLOCK, None)(BLOCK), BLOCK)


def test_no_neighbours_means_the_block_itself_in_spite_of_a_past():
    rectified = Rectification(neighbours=0).prepare(BLOCK, PAST)(2 * BLOCK + 1)
    torch.testing.assert_close(rectified, BLOCK, atol=1e-5, rtol=1e-5)


def test_per_frame():
    rectified = Rectification(neighbours=0, per_frame=True).prepare(BLOCK, None)(
        randn(1, 3, 4, 8, 12)
    )
    assert_alike(statistics(rectified, (3, 4)), statistics(BLOCK, (3, 4)))


def test_channels_together():
    rectified = Rectification(per_channel=False).prepare(BLOCK, PAST)(BLOCK)
    assert_alike(statistics(rectified, (0, 1, 2, 3, 4)), statistics(PAST, (0, 1, 2, 3)))
    # and the channels keep their differences
    assert len({round(float(mean), 3) for mean in rectified.mean((0, 1, 3, 4))}) == 4


def test_then_whole_restores_the_tensor_as_a_whole():
    rule = Rectification(then_whole=True)
    rectified = rule.prepare(BLOCK, PAST)(randn(1, 3, 4, 8, 12))
    everything = (0, 1, 2, 3, 4)
    assert_alike(statistics(rectified, everything), statistics(BLOCK, everything))


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e4])
def test_a_constant_channel_becomes_the_mean(value):
    latents = randn(1, 3, 4, 8, 12)
    latents[:, :, 1] = value
    rectified = Rectification().prepare(BLOCK, PAST)(latents)
    torch.testing.assert_close(
        rectified[:, :, 1], PAST[:, 1].mean().expand(1, 3, 8, 12), atol=1e-2, rtol=0
    )


def test_channels_take_on_the_statistics_of_what_they_are_rectified_to():
    rectified = rectify(BLOCK.double(), PAST)
    assert rectified.dtype == torch.float64
    assert_alike(statistics(rectified.float(), (0, 1, 3, 4)), statistics(PAST, (0, 2, 3)))


def test_predictions_take_on_one_mean_and_deviation_of_earlier_blocks_and_themselves():
    prediction = 3 * BLOCK + 2
    together = torch.cat([PAST, prediction[0]])
    found = normalise_prediction(prediction.double(), PAST)
    assert found.dtype == torch.float64
    scale = together.std() / prediction.std()
    expected = (prediction - prediction.mean()) * scale + together.mean()
    torch.testing.assert_close(found.float(), expected, atol=1e-5, rtol=0)
    flat = normalise_prediction(torch.full_like(BLOCK, 2.0), PAST)
    assert float(flat.std()) < 1e-6
    for wrong in (PAST[:0], PAST[:, :3], PAST[0]):
        with pytest.raises(ValueError, match="previous must hold"):
            normalise_prediction(BLOCK, wrong)


def test_bad_neighbours_are_refused():
    with pytest.raises(ValueError, match=r"\(0, 4, 8, 12\)"):
        rectify(BLOCK, PAST[:0])
    with pytest.raises(ValueError, match="4 channels"):
        rectify(BLOCK, PAST[:, :3])
    with pytest.raises(ValueError, match="-1"):
        Rectification(neighbours=-1)
    with pytest.raises(TypeError, match="neighbours"):
        Rectification(neighbours=2.5)
    with pytest.raises(TypeError, match="per_frame"):
        Rectification(per_frame=1)
