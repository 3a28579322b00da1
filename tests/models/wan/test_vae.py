"""The VAE as a stream, against diffusers' own decode and encode of the whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dragstream.models.wan.vae import DecoderState, VideoAutoencoder


@pytest.fixture(scope="module")
def vae(folders):
    return VideoAutoencoder.from_folder(folders["self-forcing"] / "vae")


@pytest.fixture(scope="module")
def latents():
    return torch.randn(1, 9, 4, 4, 6, generator=torch.Generator().manual_seed(5))


def whole(vae, latents):
    """Frames of the whole video, by diffusers."""
    config = vae.vae.config
    mean, std = (torch.tensor(getattr(config, f"latents_{n}")) for n in ("mean", "std"))
    planes = (latents * std.view(1, 1, -1, 1, 1) + mean.view(1, 1, -1, 1, 1)).transpose(1, 2)
    with torch.no_grad():
        return vae.vae.decode(planes).sample


def test_a_stream_of_blocks_decodes_bit_for_bit_as_the_whole(vae, latents):
    images, state = [], None
    for block in latents.split(3, dim=1):
        part, state = vae._decode(block, state)
        images.append(part)
    assert [part.shape[2] for part in images] == [9, 12, 12]
    assert torch.equal(torch.cat(images, dim=2), whole(vae, latents))


def test_frames_are_the_images_rounded(vae, latents):
    frames, _ = vae.decode(latents[:, :3])
    images = whole(vae, latents[:, :3])[0].permute(1, 2, 3, 0)
    wanted = ((images + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, wanted)


def test_a_state_stays_usable(vae, latents):
    _, state = vae.decode(latents[:, :3])
    once, after = vae.decode(latents[:, 3:6], state)
    vae.decode(latents[:, 6:], after)
    vae.decode(latents[:, 6:], state)  # another branch
    again, _ = vae.decode(latents[:, 3:6], state)
    np.testing.assert_array_equal(once, again)
    assert (state.frames, after.frames) == (3, 6)


def test_only_the_newest_states_stay_on_the_device(vae, latents, monkeypatch):
    rested = []
    monkeypatch.setattr(DecoderState, "rest", lambda state, device: rested.append((state, device)))
    states = [None]
    for _ in range(4):
        states.append(vae.decode(latents[:, :1], states[-1])[1])
    to_memory = [state for state, device in rested if device == torch.device("cpu")]
    assert states[1] in to_memory
    assert states[2] in to_memory
    rested.clear()
    vae.decode(latents[:, :1], states[1])  # an edit far back calls it up again
    assert (states[1], vae.device) in rested


def test_states_may_all_rest_in_memory_and_visit(vae, latents, monkeypatch):
    whole, _ = vae.decode(latents)
    rested = []
    monkeypatch.setattr(DecoderState, "rest", lambda state, device: rested.append((state, device)))
    monkeypatch.setattr(vae, "resident", 0)
    first, state = vae.decode(latents[:, :3])
    assert rested[-1] == (state, torch.device("cpu"))
    second, after = vae.decode(latents[:, 3:], state)
    assert (after, torch.device("cpu")) in rested
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)


def test_pictures_are_encoded_as_a_video_that_stands_still(model):
    image = np.random.default_rng(0).integers(0, 255, (32, 48, 3), np.uint8)
    image.setflags(write=False)
    latents = model.encode_image(image)
    assert latents.shape == (1, 3, 4, 4, 6)
    video = torch.from_numpy(np.repeat(image[None], 9, axis=0)).permute(3, 0, 1, 2)[None]
    vae = model.vae.vae
    with torch.no_grad():
        mode = vae.encode(video.float() / 127.5 - 1).latent_dist.mode().transpose(1, 2)
    mean, std = (torch.tensor(vae.config[f"latents_{n}"]) for n in ("mean", "std"))
    wanted = (mode - mean.view(1, 1, -1, 1, 1)) / std.view(1, 1, -1, 1, 1)
    torch.testing.assert_close(latents, wanted, rtol=0, atol=1e-6)


def test_videos_are_encoded_in_whole_blocks(model):
    frames = np.random.default_rng(1).integers(0, 255, (21, 32, 48, 3), np.uint8)
    latents = model.encode_video(frames)
    assert latents.shape == (1, 6, 4, 4, 6)
    # Causal: what follows does not change the first block.
    torch.testing.assert_close(model.encode_video(frames[:9]), latents[:, :3], rtol=0, atol=1e-5)
    for count in (0, 8, 10, 13):
        with pytest.raises(ValueError, match=r"9, 21, 33 and so on, got|must be"):
            model.encode_video(frames[:count])
    with pytest.raises(ValueError, match=r"must be \(32, 48, 3\)"):
        model.encode_image(frames)
    with pytest.raises(TypeError, match="uint8"):
        model.encode_image(frames[0].astype(float))


def test_other_folders_are_refused(copied):
    folder = copied / "vae"
    config = json.loads((folder / "config.json").read_text())
    for changes, message in (
        ({"_class_name": "AutoencoderKL"}, "AutoencoderKLWan"),
        ({"base_dim": 8}, "other shape"),
        ({"num_res_blocks": 2}, "lacks"),
    ):
        (folder / "config.json").write_text(json.dumps(config | changes))
        with pytest.raises(ValueError, match=message):
            VideoAutoencoder.from_folder(folder)
    (folder / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="safetensors"):
        VideoAutoencoder.from_folder(folder)
