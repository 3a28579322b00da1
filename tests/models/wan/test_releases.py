"""The table of released models: schedules, changes, notes in folders."""

from __future__ import annotations

import dataclasses
import json

import pytest

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.wan.release import Guidance
from dragstream.models.wan.releases import NOTE, RELEASES, read_note

CONFIG = CausalWanConfig.of(
    {"num_layers": 30, "num_heads": 12, "head_dim": 128, "ffn_dim": 8960, "text_dim": 4096}
)


def test_self_forcing_warps_its_steps_with_shift_5():
    sigmas, timesteps = RELEASES["self-forcing"].schedule()
    assert sigmas == pytest.approx((1.0, 0.9375, 5 / 6, 0.625), abs=1e-12)
    assert timesteps == pytest.approx((1000, 937.5, 2500 / 3, 625), abs=1e-9)
    assert RELEASES["self-forcing"].causal == {"window": 21, "sink": 3, "frames_per_block": 3}


def test_causvid_snaps_sigmas_to_the_table_and_keeps_its_timesteps():
    sigmas, timesteps = RELEASES["causvid"].schedule()
    assert sigmas == pytest.approx((1.0, 28 / 37, 12 / 23), abs=1e-12)  # .75676, .52174
    assert timesteps == (1000, 757, 522)
    assert (RELEASES["causvid"].limit, RELEASES["causvid"].overlap) == (21, 3)
    assert RELEASES["causvid"].window is None


def test_a_drop_in_differs_in_files_only():
    first, second = RELEASES["self-forcing"], RELEASES["causal-forcing"]
    same = {"name": "", "summary": "", "repository": "", "file": "", "ema": None}
    assert dataclasses.replace(first, **same) == dataclasses.replace(second, **same)
    assert first.repository != second.repository


def test_sizes_follow_from_the_config():
    spec = RELEASES["self-forcing"].spec(CONFIG, factors=(4, 8))
    assert (spec.grid.token_height, spec.grid.token_width) == (30, 52)
    assert spec.clock.video_frames(3) == 9
    assert spec.layers == (12, 13, 14, 15)
    assert (spec.denoising_step, spec.most_blocks) == (1, None)


def test_a_clip_is_dragged_at_the_step_nearest_to_the_noise_level():
    release = RELEASES["wan2.1"]
    levels = [3 * s / (1 + 2 * s) for s in (1 - i / 50 for i in range(50))]
    spec = release.spec(CONFIG, factors=(4, 8), sigmas=levels)
    assert abs(levels[spec.denoising_step] - 0.9375) == min(abs(s - 0.9375) for s in levels)
    assert spec.denoising_step == 8
    assert spec.most_blocks == 1


def test_changes_reach_release_and_guidance():
    assert RELEASES["self-forcing"].changed({"window": 9, "sink": 0}).causal["window"] == 9
    changed = RELEASES["wan2.1"].changed({"steps": 10, "height": 320})
    assert (changed.guidance.steps, changed.guidance.scale, changed.height) == (10, 5.0, 320)
    with pytest.raises(TypeError, match="no steps; it has name"):
        RELEASES["self-forcing"].changed({"steps": 10})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames_per_block": 0}, "frames_per_block"),
        ({"shift": -1.0}, "shift"),
        ({"limit": 20, "overlap": 3}, "whole blocks of 3"),
        ({"limit": 21, "overlap": 2}, "whole blocks of 3"),
        ({"limit": 3, "overlap": 3}, "no room"),
        ({"sink": -1}, "sink"),
    ],
)
def test_contradictions_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RELEASES["self-forcing"], **changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"steps": 0}, ValueError),
        ({"scale": 0.5}, ValueError),
        ({"sigma": 0.0}, ValueError),
        ({"negative_prompt": None}, TypeError),
        ({"shift": -3}, ValueError),
    ],
)
def test_guidance_is_checked(changes, error):
    with pytest.raises(error, match=next(iter(changes))):
        Guidance(**changes)


def test_a_folder_may_say_what_it_is(tmp_path):
    assert read_note(tmp_path) is None
    note = tmp_path / NOTE
    note.write_text(json.dumps({"like": "longlive", "window": 9, "name": "mine"}))
    release = read_note(tmp_path)
    assert (release.name, release.window, release.recached) == ("mine", 9, True)
    for text, message in (
        ('{"like": "sora"}', "like must be one of"),
        ('{"windows": 9}', "no windows"),
        ("[1, 2]", NOTE),
        ("{", NOTE),
    ):
        note.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_note(tmp_path)


def test_the_authors_choice_of_weights_is_kept():
    assert RELEASES["causal-forcing"].ema is False
    assert RELEASES["causal-forcing-framewise"].ema is True


def test_few_steps_are_warped_as_four_are():
    two, one = RELEASES["causal-forcing-2step"], RELEASES["causal-forcing-1step"]
    assert two.schedule()[0] == pytest.approx((1.0, 5 / 6), abs=1e-12)
    assert one.schedule()[0] == (1.0,)
    for release in (two, one, RELEASES["one-forcing"]):
        assert release.first_schedule() == RELEASES["self-forcing"].schedule()
    assert two.spec(CONFIG, factors=(4, 8)).denoising_step == 1
    assert one.spec(CONFIG, factors=(4, 8)).denoising_step == 0


def test_krea_takes_rounded_timesteps():
    sigmas, timesteps = RELEASES["krea-realtime"].schedule()
    assert timesteps == (1000, 937, 833, 625)
    assert sigmas == pytest.approx((1.0, 0.9375, 0.8333, 0.625), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_timesteps": (1000.0, 500.0)}, "must hold all timesteps"),
        ({"first_timesteps": (1000.0, 750.0, 500.0, 250.0), "solver_steps": 4}, "contradict"),
        ({"ema": 1}, "ema must be True or False"),
    ],
)
def test_more_contradictions_are_named(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        RELEASES["self-forcing"].changed(changes)
