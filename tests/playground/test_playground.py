"""The packaged model as the rest of the package uses it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.metrics.dai import dai, handle_point, patch_radius
from dragstream.models.base import VideoModel
from dragstream.models.playground import draw, world
from dragstream.models.playground.captions import caption
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.revel.cases import RenderedStart
from dragstream.revel.detection import detect
from dragstream.revel.scenes import subjects_of


@pytest.fixture(scope="module")
def model() -> Playground:
    return ds.load("playground")


def frames(count: int) -> np.ndarray:
    return world.render(world.sample_scenes(torch.Generator().manual_seed(99), count, 1))[:, 0]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


def test_it_is_a_video_model_with_wan_geometry(model: Playground) -> None:
    assert isinstance(model, VideoModel)
    grid = model.spec.grid
    assert grid.height == 8 * grid.latent_height == 16 * grid.token_height
    assert grid.width == 8 * grid.latent_width == 16 * grid.token_width


def test_an_image_survives_the_autoencoder(model: Playground) -> None:
    for image in frames(4):
        latents = model.encode_image(image)
        assert latents.shape == (1, 3, 8, 20, 32)
        decoded, _ = model.decode(latents)
        assert psnr(decoded[0], image) > 33
        assert np.array_equal(decoded[0], decoded[2])


def test_predictions_are_led_away_from_what_comes_without_a_caption(model: Playground) -> None:
    config = json.loads((WEIGHTS / "config.json").read_text())
    plain, guided, wordless = (
        Playground(config | {"guidance": {"scale": scale, "least": 0.3, "most": 0.9}})
        for scale in (1.0, 2.5, 0.0)
    )
    for each in (plain, guided, wordless):
        each.load_state_dict(model.state_dict())
    noise = torch.randn(1, 3, 8, 20, 32, generator=torch.Generator().manual_seed(4))

    context = model.commit(noise / 2, model.new_context(model.encode_text("a red star")))
    silent = model.with_text(context, model.captions.silence())

    for sigma in (0.3, 0.66, 0.9):
        with_words = plain.denoise(noise, sigma, context)
        without = plain.denoise(noise, sigma, silent)
        assert torch.allclose(wordless.denoise(noise, sigma, context), without, atol=1e-6)
        led = guided.denoise(noise, sigma, context)
        assert torch.allclose(led, without + 2.5 * (with_words - without), atol=1e-4)
        assert (led - with_words).abs().max() > 0.01
        read = guided.read(noise, sigma, context, predict=True)  # one pass, so not guided
        assert torch.equal(read.x0, with_words)
    for sigma in (0.17, 0.94):
        assert torch.equal(
            guided.denoise(noise, sigma, context), plain.denoise(noise, sigma, context)
        )
    assert len({each.fingerprint() for each in (plain, guided, wordless)}) == 3


@pytest.fixture(scope="module")
def narrow() -> Playground:
    return ds.load("playground", dtype="bf16")


def test_bfloat16_is_another_model_with_latents_in_float32(
    model: Playground, narrow: Playground
) -> None:
    assert narrow.wan.transformer.dtype is torch.bfloat16
    assert narrow.fingerprint() != model.fingerprint()
    assert model.fingerprint() == ds.load("playground", dtype=torch.float32).fingerprint()
    assert model.spec == narrow.spec
    image = frames(1)[0]
    latents = narrow.encode_image(image)
    assert torch.equal(latents, model.encode_image(image))
    # One frame and one pass: without instructions for bfloat16 a block takes minutes.
    latents = latents[:, :1]
    frame, close_frame = (each.decode(latents)[0] for each in (model, narrow))
    assert psnr(frame, close_frame) > 50
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    wide, close = (
        each.denoise(noise, 1.0, each.new_context(each.encode_text("a red star in a meadow")))
        for each in (model, narrow)
    )
    assert close.dtype is torch.float32
    assert 0 < (close - wide).norm() < 0.05 * wide.norm()


def test_drags_have_the_same_gradient_in_bfloat16(model: Playground, narrow: Playground) -> None:
    noise = torch.randn(2, 1, 8, 20, 32, generator=torch.Generator().manual_seed(4)).split(1)

    def gradient(model: Playground) -> torch.Tensor:
        context = model.commit(noise[0] / 2, model.new_context(model.encode_text("a red star")))
        point = noise[1].clone().requires_grad_()
        reading = model.read(point, 0.5, context, model.spec.layers, predict=True)
        assert reading.x0 is not None
        taps = [tap.float().square().mean() for tap in reading.taps[0].values()]
        (found,) = torch.autograd.grad(sum(taps) + reading.x0.square().mean(), point)
        return found

    wide, close = gradient(model), gradient(narrow)
    assert close.dtype is torch.float32
    assert torch.cosine_similarity(wide.flatten(), close.flatten(), dim=0) > 0.99


def test_options_that_the_playground_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be float32 or bfloat16, got torch\.float16"):
        ds.load("playground", dtype="fp16")
    with pytest.raises(ValueError, match=r"'bfloat16' or 'bf16', .*got 'bf17'"):
        ds.load("playground", dtype="bf17")
    with pytest.raises(ValueError, match="attention must be one of sdpa, math, "):
        ds.load("playground", attention="quick")
    with pytest.raises(TypeError, match="takes dtype and attention, got device"):
        ds.load("playground", device="cpu")


def test_decoding_is_local(model: Playground) -> None:
    latents = model.encode_image(frames(1)[0])
    moved = latents.clone()
    moved[..., :4, :4] += 1
    before, after = (model.decode(z)[0][0].astype(int) for z in (latents, moved))
    changed = np.abs(after - before).max(axis=-1)
    assert changed[:32, :32].max() > 10
    assert changed[:, 120:].max() == 0


def test_latents_go_along_with_what_moves(model: Playground) -> None:
    # Half a cell to the right: the mean of latents unmoved and moved by one is near what is seen.
    images = frames(8)
    latents = torch.cat([model.encode_image(image)[0, :1] for image in images])
    rolled = [np.roll(image, 4, axis=1) for image in images]
    seen = torch.cat([model.encode_image(image)[0, :1] for image in rolled])
    led = (latents + latents.roll(1, dims=-1)) / 2
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    error = (led - seen)[inner].square().mean()
    assert error < 0.25 * (latents - seen)[inner].square().mean()


def test_latents_are_normalised(model: Playground) -> None:
    latents = torch.cat([model.encode_image(image)[:, :1] for image in frames(48)])
    assert latents.mean((0, 1, 3, 4)).abs().max() < 0.25
    deviations = latents.std((0, 1, 3, 4))
    assert 0.65 < deviations.min() < deviations.max() < 1.25  # noise has 1


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((world.HEIGHT, world.WIDTH, 3), np.float32), TypeError),
        (np.zeros((world.WIDTH, world.HEIGHT, 3), np.uint8), ValueError),
        (np.zeros((world.HEIGHT, world.WIDTH), np.uint8), ValueError),
        ([[0]], TypeError),
    ],
)
def test_other_images_are_refused(model: Playground, image: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="an image must be"):
        model.encode_image(image)  # type: ignore[arg-type]


def test_incomplete_and_damaged_weights_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    path = folder / "transformer.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"transformer\.safetensors"):
        Playground.from_folder(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"transformer\.safetensors"):
        Playground.from_folder(folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json"):
        Playground.from_folder(folder)


def test_the_weights_fit_the_package() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 40e6


def test_a_continued_scene_keeps_its_colours(model: Playground) -> None:
    prompt = "a red critter rests in a meadow"
    image = draw(prompt, seed=1)
    stream = ds.Stream(model, prompt, seed=1, image=image)
    stream.run(3, progress=False)
    # The palette of the last frame is that of the first: no colour washes out or appears.
    first, last = (
        np.histogram(frame.max(-1) - frame.min(-1), 8, (0, 256))[0]
        for frame in (image, stream.frames[-1])
    )
    assert np.abs(first - last).sum() / first.sum() < 0.15


def test_objects_in_doubt_are_not_drawn_too_large(model: Playground) -> None:
    # Of almost pure noise, where they are is known from the past alone. A model that drew too much
    # of them would make them grow from block to block.
    generator = torch.Generator().manual_seed(0)
    sizes = []
    for number in range(8):
        start = RenderedStart(77, number, 0)
        latents = model.encode_video(start.film(6))
        context = model.new_context(model.encode_text(caption(start.scenes(), 0)))
        context = model.commit(latents[:, :3], context)
        noisy = 0.06 * latents[:, 3:] + 0.94 * torch.randn(1, 3, 8, 20, 32, generator=generator)
        drawn, _ = model.decode(model.wan.denoise(noisy, 0.94, context))
        for frame, truth in zip(drawn, start.film(6)[3:], strict=True):
            for subject in subjects_of(start.scenes()):
                seen, wanted = (detect(f, subject.color, subject.kind) for f in (frame, truth))
                if wanted is not None and wanted.area > 400:
                    sizes.append(0 if seen is None else seen.area / wanted.area)
    assert len(sizes) > 20
    assert 0.7 < np.median(sizes) < 1.05


def test_what_is_turned_comes_nearer_by_predictions(model: Playground) -> None:
    prompt = "a blue box rests in a meadow"
    stream = ds.Stream(model, prompt, seed=1, image=draw(prompt, seed=1))
    stream.step()
    seen = detect(stream.frames[-1], "blue", "box")
    assert seen is not None
    whole = ds.regions.disc(center=seen.center, radius=1.5 * np.sqrt(seen.area / np.pi))
    drag = ds.Drag(whole, ds.Rotation(center=seen.center, degrees=40))
    grid, before = model.spec.grid, stream.blocks[-1].latents[-1]

    def distance(latents: torch.Tensor) -> float:
        handle, turned = handle_point(drag, grid.height, grid.width), drag.motion.at(1.0)
        radius = patch_radius(grid)
        return dai(before, latents[-1:], handle, [turned], grid=grid, radius=radius)

    found = {
        weight: distance(
            stream.fork()
            .edit([drag], settings=ds.DragSettings(prediction_weight=weight, warm_start=False))
            .latents
        )
        for weight in (None, 0.0)
    }
    assert found[None] < 0.5 * distance(before[None])
    assert found[None] < 0.6 * found[0.0]


def test_videos_are_encoded_frame_by_frame(model):
    size = (6, world.HEIGHT, world.WIDTH, 3)
    frames = np.random.default_rng(0).integers(0, 255, size, np.uint8)
    latents = model.encode_video(frames)
    assert latents.shape == (1, 6, 8, world.HEIGHT // 8, world.WIDTH // 8)
    torch.testing.assert_close(latents[:, 4], model.encode_image(frames[4])[:, 0])
    with pytest.raises(ValueError, match="3, 6, 9 and so on, got 5"):
        model.encode_video(frames[:5])
    with pytest.raises(ValueError, match="a video must be"):
        model.encode_video(frames[0])
