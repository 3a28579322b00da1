from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dragstream.drags.labels import read_label
from dragstream.metrics.__main__ import main
from dragstream.metrics.dai import measure_latents, read_latents

FIRST = 2
"""The label of block 1 lies on latent frame 2; three follow. Latents are 16 x 24 of 192 x 128."""


def sliding(cells: int) -> torch.Tensor:
    """Six latent frames that rest for three and then slide right by whole cells."""
    still = torch.randn(2, 16, 24, generator=torch.Generator().manual_seed(0))
    slid = [torch.roll(still, cells * n, dims=-1) for n in (1, 2, 3)]
    return torch.stack([still, still, still, *slid])


def test_obedient_latents_score_zero_and_still_ones_do_not(tmp_path: Path, write_label) -> None:
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    result = measure_latents(label, sliding(1), radius=12)
    assert result.first_frame == FIRST
    assert result.mean == pytest.approx(0, abs=1e-6)
    still = measure_latents(label, sliding(0), radius=12)
    assert still.drags == still.still
    assert still.mean > 0.01
    assert result.still == pytest.approx(still.drags)
    # r = 20 at 832 pixels of width
    assert measure_latents(label, sliding(1)).radius == round(20 * 192 / 832)


def test_an_edit_is_measured_against_the_latents_before(tmp_path: Path, write_label) -> None:
    label = read_label(write_label(tmp_path / "label", "Drag", [[4, 0], [8, 0]]))
    latents = sliding(1)
    after = torch.stack([latents[0], latents[0], latents[3]])
    result = measure_latents(label, after, before=latents, radius=12)
    assert result.mean == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="latents before it: give those"):
        measure_latents(label, after)


@pytest.mark.parametrize(
    ("latents", "options", "said"),
    [
        (torch.zeros(5, 2, 16, 24), {}, "5 latent frames, but frames 3 to 5 are needed"),
        (torch.zeros(6, 2, 16, 24), {"first_frame": -1}, "at least 0, got -1"),
        (torch.zeros(6, 2, 24, 16), {}, "16 x 24 cells do not fit .* 192 x 128"),
        (torch.zeros(6, 2, 16, 24), {"radius": 0}, "radius"),
    ],
)
def test_latents_that_do_not_fit_are_named(
    tmp_path, latents, options, said: str, write_label
) -> None:
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    with pytest.raises(ValueError, match=said):
        measure_latents(label, latents, **options)


def test_latents_come_from_numpy_and_safetensors(tmp_path: Path) -> None:
    latents = sliding(1)
    np.save(tmp_path / "a.npy", latents[None].numpy())
    save_file({"latents": latents, "other": torch.zeros(1)}, tmp_path / "b.safetensors")
    save_file({"z": latents}, tmp_path / "c.safetensors")
    for name in ("a.npy", "b.safetensors", "c.safetensors"):
        assert torch.equal(read_latents(tmp_path / name), latents)


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "flat.npy", np.zeros((3, 4)))
    np.save(tmp_path / "nan.npy", np.full((1, 2, 3, 4), np.nan))
    save_file({"a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "two.safetensors")
    (tmp_path / "text.npy").write_text("no array")
    for name, said in (
        ("objects.npy", "cannot be read"),
        ("text.npy", "cannot be read"),
        ("flat.npy", r"got torch.float64 \(3, 4\)"),
        ("nan.npy", "not finite"),
        ("two.safetensors", r"one named 'latents', got \['a', 'b'\]"),
    ):
        with pytest.raises(ValueError, match=said):
            read_latents(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no file of latents"):
        read_latents(tmp_path / "none.npy")


def test_the_command_prints_and_writes_the_figure(tmp_path: Path, capsys, write_label) -> None:
    folder = write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]])
    np.save(tmp_path / "latents.npy", sliding(1).numpy())
    out = tmp_path / "dai.json"
    call = ["dai", "--label", str(folder), "--latents", str(tmp_path / "latents.npy")]
    assert main([*call, "--radius", "12", "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert document["mean"] == pytest.approx(0, abs=1e-6)
    assert document["radius"] == 12
    assert "DAI 0.0000 with r = 12 px" in capsys.readouterr().out
