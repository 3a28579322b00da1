"""Click to select, without a page."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from dragstream.widgets import DragCanvas, similarity
from dragstream.widgets.segment_anything import SegmentAnything

FIRST = np.eye(4, dtype=np.float32) * [1, 0, 0, 0]


def test_similarity_is_the_cosine_without_the_common_part():
    features = np.zeros((2, 2, 3), np.float32)
    features[0, 0] = features[0, 1] = [1, 0, 0]
    features[1, 0] = features[1, 1] = [0, 1, 0]
    common = np.array([5, 7, 100], np.float32)
    found = similarity.token_similarity({3: features + common, 4: 9 * features}, FIRST[:2, :2])
    assert found == pytest.approx(np.array([[1, 1], [0, 0]]), abs=1e-5)


def test_layers_are_averaged():
    alike = np.array([[[1.0, 0], [1, 0], [-1, 0], [-1, 0]]])
    halves = np.array([[[1.0, 0], [0, 1], [-1, 0], [0, -1]]])
    found = similarity.token_similarity({0: alike, 1: halves}, FIRST[:1])
    assert found == pytest.approx(np.array([[1, 0.5, 0, 0]]))


def test_borders_follow_the_colours():
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[:, 22:] = 255  # not where tokens of 16 pixels end
    tokens = np.array([[1, 0.2, 0, 0], [1, 0.2, 0, 0]], np.float32)
    found = similarity.refined(tokens, frame)
    assert found.shape == (32, 64)
    assert found[:, 21].min() > 2 * found[:, 22].max()
    flat = similarity.refined(np.full((2, 4), 0.3, np.float32), frame)
    assert flat == pytest.approx(0.3, abs=1e-5)


def test_a_pixel_at_a_border_is_compared_by_the_tokens_of_its_colour():
    frame = np.zeros((32, 64, 3), np.uint8)
    frame[:, 18:] = 255  # the second token is mostly bright
    dark = similarity.token_weights((2, 4), frame, (17, 8))  # in it, and dark
    bright = similarity.token_weights((2, 4), frame, (19, 8))
    assert np.argmax(dark[0]) == 0
    assert np.argmax(bright[0]) == 1
    assert dark[:, 3].tolist() == [0, 0]  # not one of the nine around it


def test_the_threshold_parts_two_groups():
    values = np.concatenate([np.full(700, 0.1), np.full(300, 0.7)]).astype(np.float32)
    assert similarity.parting(values) == pytest.approx(0.4, abs=0.01)
    assert 0.05 <= similarity.parting(np.zeros(10, np.float32)) <= 0.95
    assert similarity.suggested(values[None], (999, 0)) == pytest.approx(0.55, abs=0.01)


def test_only_what_hangs_together_is_selected():
    values = np.zeros((6, 8), np.float32)
    values[1:3, 1:3] = 0.8
    values[4, 5:7] = 0.9
    region = similarity.connected(values, 0.5, (2.2, 0.8))
    assert region.sum() == 4
    assert region[1:3, 1:3].all()
    assert similarity.connected(values, 0.5, (7, 0)).sum() == 1


class FakeStream:
    """A block of one frame: dark, with a bright square that has features of its own."""

    def __init__(self):
        grid = SimpleNamespace(height=64, width=96)
        clock = SimpleNamespace(temporal_factor=4, frame_rate=8)
        spec = SimpleNamespace(grid=grid, frames_per_block=3, clock=clock, layers=(1, 2))
        self.model = SimpleNamespace(spec=spec)
        frame = np.zeros((64, 96, 3), np.uint8)
        frame[16:32, 32:64] = 220
        self.reads = 0
        self.blocks = (SimpleNamespace(frames=frame[None]),)

    def subscribe(self, _listener):
        return lambda: None

    def features(self, block, layer):
        assert (block, layer) == (0, 2)
        self.reads += 1
        found = torch.zeros(3, 4, 6, 8)
        found[..., 0] = 1
        found[-1, 1, 2:4, 1] = 4  # the last latent frame counts
        return {2: found}


def test_pick_selects_by_features():
    canvas = DragCanvas(FakeStream())
    assert canvas.selectors == ["features"]
    region = canvas.pick((40, 20))
    wanted = np.zeros((64, 96), bool)
    wanted[16:32, 32:64] = True
    assert np.array_equal(region, wanted)
    assert np.array_equal(canvas.region, wanted)


def test_features_of_a_block_are_read_once():
    stream = FakeStream()
    canvas = DragCanvas(stream)
    canvas.pick((40, 20))
    canvas.pick((8, 50))
    assert stream.reads == 1
    (block,) = stream.blocks
    stream.blocks = (SimpleNamespace(frames=block.frames),)
    canvas.pick((40, 20))
    assert stream.reads == 2


def test_the_page_gets_the_map_and_a_threshold(monkeypatch):
    sent = []
    monkeypatch.setattr(
        DragCanvas, "send", lambda _, content, buffers=None: sent.append((content, buffers))
    )
    canvas = DragCanvas(FakeStream())
    canvas._handle_custom_msg({"type": "pick", "point": [40, 20], "selector": "features"}, [])
    ((message, (buffer,)),) = sent
    assert message["type"] == "similarity"
    assert (message["point"], message["width"], message["height"]) == ([40, 20], 96, 64)
    values = np.frombuffer(buffer, np.uint8).reshape(64, 96)
    assert values[20, 40] > 255 * message["threshold"] > values[50, 10]
    assert canvas.region is None  # the page makes the region


# --- SAM --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A SAM with random weights, small enough for a test."""
    from transformers import SamConfig, SamModel

    folder = tmp_path_factory.mktemp("sam")
    config = SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 8,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
            "mlp_ratio": 1.0,
            "global_attn_indexes": [0],
            "window_size": 4,
            "num_pos_feats": 4,
            "mlp_dim": 16,
        },
        prompt_encoder_config={
            "hidden_size": 8,
            "image_size": 64,
            "patch_size": 8,
            "mask_input_channels": 4,
            "image_embedding_size": 8,
        },
        mask_decoder_config={
            "hidden_size": 8,
            "mlp_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 8,
            "iou_head_depth": 2,
        },
    )
    torch.manual_seed(0)
    SamModel(config).save_pretrained(folder)
    return folder


def test_sam_answers_for_every_pixel(checkpoint):
    frame = np.random.default_rng(1).integers(0, 256, (48, 80, 3), np.uint8)
    canvas = DragCanvas(frame, sam=checkpoint)
    assert canvas.selectors == ["sam"]
    region = canvas.pick_with_sam((30, 20), threshold=0.5)
    assert region.shape == (48, 80)
    assert region[20, 30]
    found = SegmentAnything(checkpoint).similarity(frame, (30, 20))
    assert found.shape == (48, 80)
    assert 0 <= found.min() < found.max() <= 1
    elsewhere = SegmentAnything(checkpoint).similarity(frame, (70, 40))
    assert np.abs(found - elsewhere).max() > 0


def test_sam_sees_the_picture_at_its_own_size(checkpoint):
    sam = SegmentAnything(checkpoint)
    frame = np.full((32, 64, 3), 255, np.uint8)
    pixels = sam._prepared(frame, (32, 64), 64)
    assert pixels.shape == (1, 3, 64, 64)
    white = (1 - 0.485) / 0.229
    assert pixels[0, 0, :32] == pytest.approx(torch.full((32, 64), white), abs=1e-4)
    assert (pixels[0, :, 32:] == 0).all()


def test_folders_without_sam_are_named(tmp_path):
    with pytest.raises(ValueError, match="folder with a SAM checkpoint"):
        SegmentAnything(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match="'bert'"):
        SegmentAnything(tmp_path)


def test_missing_transformers_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"dragstream\[sam\]"):
        DragCanvas(np.asarray(Image.new("RGB", (8, 8))), sam=tmp_path)


def test_holes_and_gaps_at_the_border_are_closed_and_nothing_is_added_outside():
    rows, columns = np.mgrid[:160, :200]
    disc = np.hypot(rows - 60, columns - 90) < 30
    eyes = (np.hypot(rows - 60, columns - 90) < 12) | (np.hypot(rows - 60, columns - 119) < 4)
    found = similarity.closed(disc & ~eyes)
    assert (found & disc).sum() > 0.99 * disc.sum()
    assert not (found & ~disc).any()


def test_a_region_at_the_edge_of_the_frame_stays_as_it_is():
    corner = np.zeros((80, 80), bool)
    corner[:20, :30] = True
    assert np.array_equal(similarity.closed(corner), corner)
