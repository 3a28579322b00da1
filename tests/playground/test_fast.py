"""`playground-fast`: fewer passes a block, other weights for them, a lighter decoder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import dragstream as ds
from dragstream.models.config_files import read_config
from dragstream.models.playground import lighter, world
from dragstream.models.playground.autoencoder import Autoencoder, DecoderSize
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.stream import Stream

PROMPT = "a red critter rests beside a blue box"
PASSES = (16, 4)
"""Of the first block, of which only the caption says what is in it, and of any other."""


@pytest.fixture(scope="module")
def default() -> Playground:
    return ds.load("playground")


@pytest.fixture(scope="module")
def fast() -> Playground:
    return ds.load("playground-fast")


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


def test_only_the_first_block_takes_all_passes(
    fast: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: list[float] = []
    denoise = fast.wan.denoise

    def spy(latents: torch.Tensor, sigma: float, context: object) -> torch.Tensor:
        levels.append(sigma)
        return denoise(latents, sigma, context)

    monkeypatch.setattr(fast.wan, "denoise", spy)
    stream = Stream(fast, PROMPT, seed=0)
    passes = []
    for _ in range(3):
        levels.clear()
        stream.step()
        passes.append(len(levels))
    assert tuple(passes) == (PASSES[0], PASSES[1], PASSES[1])
    assert [len(block.noisy) for block in stream.blocks] == [len(fast.spec.sigmas)] * 3


def test_the_first_prediction_of_a_block_with_a_past_is_amplified(fast: Playground) -> None:
    latents = torch.randn(1, 3, 8, 20, 32, generator=torch.Generator().manual_seed(3))
    empty = fast.new_context(fast.encode_text(PROMPT))
    past = fast.commit(latents, empty)
    for context, sigma, gain in ((empty, 1.0, 1.0), (past, 1.0, 1.5), (past, 0.87, 1.0)):
        plain = fast.wan.denoise(latents, sigma, context)
        torch.testing.assert_close(fast.denoise(latents, sigma, context), gain * plain)


def test_a_gain_is_part_of_the_model(default: Playground) -> None:
    config = read_config(WEIGHTS / "config.json")
    assert default.gain == 1
    plain, louder = (Playground({**config, "gain": gain}) for gain in (1, 1.5))
    louder.load_state_dict(plain.state_dict())
    assert plain.fingerprint() != louder.fingerprint()
    with pytest.raises(ValueError, match="gain must be above 0, got -1"):
        Playground({**config, "gain": -1})


def test_its_weights_are_the_ones_of_few_steps(default: Playground, fast: Playground) -> None:
    half = load_file(WEIGHTS / "few_steps.safetensors")
    for name, weight in fast.parts()["transformer"].state_dict().items():
        assert weight.dtype is torch.float32
        assert torch.equal(weight, half[name].float())
    # After some hundred steps of training they are not far from those that they began with.
    far = [
        float((one - other).norm() / other.norm())
        for one, other in zip(fast.wan.parameters(), default.wan.parameters(), strict=True)
    ]
    assert 0 < sum(far) / len(far) < 0.5
    assert (WEIGHTS / "few_steps.safetensors").stat().st_size < 9_000_000


def test_its_latents_are_the_default_models(default: Playground, fast: Playground) -> None:
    image = world.render(world.sample_scenes(torch.Generator().manual_seed(99), 1, 1))[0, 0]
    assert torch.equal(default.encode_image(image), fast.encode_image(image))
    assert default.wan.fingerprint() != fast.wan.fingerprint()
    assert default.fingerprint() != fast.fingerprint()
    assert (default.spec.name, fast.spec.name) == ("playground", "playground-fast")


def test_the_lighter_decoder_shows_the_same(default: Playground, fast: Playground) -> None:
    scenes = world.sample_scenes(torch.Generator().manual_seed(98), 6, 1)
    frames = world.render(scenes)[:, 0]
    latents = default.encode_frames(frames)
    shown, light = (model.decode(latents)[0] for model in (default, fast))
    assert psnr(light, shown) > 38
    assert psnr(light, frames) > psnr(shown, frames) - 0.8
    sizes = [sum(w.numel() for w in m.autoencoder.decoder.parameters()) for m in (default, fast)]
    assert sizes[1] < 0.6 * sizes[0]
    assert (WEIGHTS / "light_decoder.safetensors").stat().st_size < 3_000_000


def test_a_dragged_stream_is_restored_and_written_as_code(
    default: Playground, fast: Playground, tmp_path: Path
) -> None:
    stream = Stream(fast, PROMPT, seed=3)
    stream.run(2, progress=False)
    drag = ds.Drag(ds.regions.disc(center=(64, 90), radius=24), ds.Translation.by(10, 0))
    stream.animate([drag], settings=ds.DragSettings.fast())
    file = stream.save(tmp_path / "fast.dragstream")
    again = Stream.restore(file, ds.load("playground-fast"))
    for one in (stream, again):
        one.step()
    assert np.array_equal(stream.frames, again.frames)
    with pytest.raises(ValueError, match="playground"):
        Stream.restore(file, default)
    assert 'ds.load("playground-fast")' in stream.to_code()


@pytest.mark.parametrize("part", ["light_decoder", "few_steps"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    (folder / f"{part}.safetensors").unlink()
    assert Playground.from_folder(folder).spec.first_sigmas is None
    with pytest.raises(FileNotFoundError, match=part):
        Playground.from_folder(folder, fast=True)


def test_pruning_keeps_the_channels_that_matter(default: Playground) -> None:
    present = default.autoencoder.decoder
    raw = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    distances = []
    for hidden in ((48, 96, 128), (40, 80, 112), (24, 32, 64)):
        lighter_one = DecoderSize(hidden=hidden).build()
        lighter.prune(present, lighter_one, raw)
        with torch.no_grad():
            distances.append(float((lighter_one(raw) - present(raw)).abs().mean()))
    assert distances[0] < 1e-5  # all channels, in another order
    assert distances[0] < distances[1] < distances[2] < 0.2


def test_training_of_the_decoder_goes_on_where_it_stopped(tmp_path: Path) -> None:
    torch.manual_seed(0)
    autoencoder = Autoencoder()
    recipe = lighter.Recipe(steps=3, crops=2, pool=4)
    whole, stopped = (tmp_path / name for name in ("whole", "stopped"))
    trained = []
    for folder in (whole, stopped):
        folder.mkdir()
        torch.manual_seed(1)
        training = lighter.Lightening(autoencoder, folder, recipe)
        latents = autoencoder.mean + 0  # the encoder stays as it is
        for _ in zip(range(3 if folder == whole else 2), training.run(), strict=False):
            pass
        training.save()
        trained.append(training)
    torch.manual_seed(2)
    resumed = lighter.Lightening(autoencoder, stopped, recipe)
    resumed.resume()
    assert resumed.step == 2
    assert len(list(resumed.run())) == 1
    for name, weight in trained[0].average.items():
        assert torch.equal(resumed.average[name], weight)
    assert torch.equal(autoencoder.mean, latents)
    resumed.export(tmp_path / "out" / "light_decoder.safetensors")
    assert (tmp_path / "out" / "light_decoder.safetensors").is_file()
