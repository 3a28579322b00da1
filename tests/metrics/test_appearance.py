"""Similarity by features, with an extractor whose features can be written down."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from dragstream.metrics.appearance import GREY, cut_out, feature_similarity, without
from dragstream.metrics.extractors import EfficientNetLite0


class Colours:
    """Mean colours, above grey, of the pictures."""

    name = "colours"

    def features(self, samples: np.ndarray) -> np.ndarray:
        return samples.reshape(len(samples), -1, 3).mean(axis=1) - GREY


def picture(seed: int, height: int = 32, width: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_it_is_the_cosine_of_the_features() -> None:
    first, second = picture(0), picture(1, 40, 40)
    second[..., 2] //= 4
    one, other = (image.reshape(-1, 3).mean(axis=0) - GREY for image in (first, second))
    found = feature_similarity(first, second, Colours())
    assert found == pytest.approx(1 - cosine(one, other))
    assert feature_similarity(first, first, Colours()) == pytest.approx(1)
    nothing = np.full((8, 8, 3), GREY, np.uint8)
    assert math.isnan(feature_similarity(first, nothing, Colours()))


def test_a_cut_out_object_has_no_place_and_no_background() -> None:
    mask = np.zeros((32, 48), bool)
    mask[10:14, 20:28] = True
    mask[11, 20] = False
    frame = picture(2)
    found = cut_out(frame, mask)
    wanted = np.full((16, 16, 3), GREY, np.uint8)  # 8 wide and 4 of margin on each side
    wanted[6:10, 4:12] = frame[10:14, 20:28]
    wanted[7, 4] = GREY
    assert np.array_equal(found, wanted)
    shifted = np.roll(frame, (5, -7), axis=(0, 1))
    assert np.array_equal(cut_out(shifted, np.roll(mask, (5, -7), axis=(0, 1))), found)
    with pytest.raises(ValueError, match="at least one pixel"):
        cut_out(frame, mask & False)


def test_what_is_hidden_does_not_count() -> None:
    hidden = np.zeros((32, 48), bool)
    hidden[:, 24:] = True
    first, second = picture(3), picture(3)
    second[:, 30:] = 0
    assert np.array_equal(without(first, hidden), without(second, hidden))
    assert not np.array_equal(first, second)


def test_the_packaged_network_tells_pictures_apart() -> None:
    smooth = np.zeros((64, 64, 3), np.uint8)
    smooth[16:48, 16:48] = (200, 30, 30)
    network = EfficientNetLite0()
    same = feature_similarity(smooth, smooth, network)
    other = feature_similarity(smooth, picture(0, 64, 64), network)
    assert same == pytest.approx(1)
    assert other < 0.7
