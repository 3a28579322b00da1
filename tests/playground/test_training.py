"""Training: a few steps of both stages, saved, resumed and exported."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from dragstream.models.playground import autoencoding, card, clips, train, training
from dragstream.models.playground.autoencoder import Autoencoder
from dragstream.models.playground.model import Playground

PLAN = autoencoding.TrainingBudget(
    minutes=1.0,
    autoencoder_steps=2,
    decoder_steps=2,
    batch=2,
    pool=4,
    learning_rate=1e-3,
    device=torch.device("cpu"),
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transformer that trains in no time."""
    config = copy.deepcopy(train.CONFIG)
    config["layers"] = [1, 2]
    config["transformer"] |= {"num_layers": 4, "num_heads": 1, "ffn_dim": 32, "text_dim": 8}
    monkeypatch.setattr(train, "CONFIG", config)


def drawn(count: int = 2) -> clips.Clips:
    return clips.draw_clips(count, torch.Generator().manual_seed(0), Autoencoder())


def test_clips_hold_the_sink_the_past_and_the_block() -> None:
    found = drawn(3)
    assert found.latents.shape == (3, 1 + 2 * clips.BLOCK, 8, 20, 32)
    assert found.cover.shape == (3, 1 + 2 * clips.BLOCK, 1, 20, 32)
    assert 0.02 < found.cover.float().mean() < 0.5  # one or two objects on an empty floor
    assert found.cover.max() == 1
    assert found.counts.sum(dim=(1, 2)).min() >= 2  # a colour and a kind at least


def test_a_clean_past_is_not_asked_for_but_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "_CLEAN_PAST", {0: 1.0, 1: 1.0})
    seen = []
    model = Playground(train.CONFIG)

    def still(noisy: torch.Tensor, sigmas: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(sigmas)
        return torch.zeros_like(noisy)

    monkeypatch.setattr(model.wan, "forward", still)
    found = drawn(2).sample(2, torch.Generator().manual_seed(3))
    loss = train.flow_loss(model, found, torch.Generator().manual_seed(0), self_fed=False)
    assert torch.all(seen[0][:, : -clips.BLOCK] == 0)
    assert torch.all(seen[0][:, -clips.BLOCK :] > 0)
    # Against a flow of zero the loss is the power of noise minus latents, of the last block alone.
    power = 1 + found.latents[:, -clips.BLOCK :].pow(2).mean()
    assert loss.item() == pytest.approx(float(power), rel=0.1)


def test_beside_an_object_counts_as_much_as_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Otherwise what is in doubt is drawn as an object, and objects grow from block to block.
    model = Playground(train.CONFIG)
    cover = torch.zeros(1, 1 + 2 * clips.BLOCK, 1, 20, 32)
    cover[:, 4, :, 10, 16] = 1
    found = clips.Clips(torch.zeros_like(cover).expand(-1, -1, 8, -1, -1), cover, drawn(1).counts)

    def loss_of_an_error_at(column: int) -> float:
        def wrong(noisy: torch.Tensor, sigmas: torch.Tensor, *_: object) -> torch.Tensor:
            scale = sigmas[..., None, None, None]
            noise = noisy / scale.clamp(min=1e-3)  # since the latents are zero
            noise[..., 10, column] += 1
            return noise

        monkeypatch.setattr(model.wan, "forward", wrong)
        generator = torch.Generator().manual_seed(0)
        return float(train.flow_loss(model, found, generator, self_fed=False))

    beside, on, away = (loss_of_an_error_at(column) for column in (14, 16, 25))
    assert beside == pytest.approx(on, rel=1e-3)
    assert on == pytest.approx(4 * away, rel=1e-3)


def test_latents_are_led_as_their_frames_are() -> None:
    # What eight times coarser maps show of a smooth frame goes where the frame goes.
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    frames = torch.exp(-((x - 54) ** 2 + (y - 40) ** 2) / 400).expand(8, 1, -1, -1)
    torch.manual_seed(0)
    motions = autoencoding._motions(8)
    coarse = torch.nn.functional.avg_pool2d(frames, 8)
    led = autoencoding._moved(coarse, motions)
    wanted = torch.nn.functional.avg_pool2d(autoencoding._moved(frames, motions), 8)
    assert (wanted - coarse).abs().amax((1, 2, 3)).min() > 0.2  # every motion moves something
    assert (led - wanted).abs().max() < 0.1


def test_noise_levels_are_those_between_the_sampler_s_steps() -> None:
    steps = train.CONFIG["sigmas"]
    levels = train.levels_between(steps, (4000,), torch.Generator().manual_seed(0))
    assert 0.1 <= levels.min() < 0.13
    assert float((levels == 1).float().mean()) == pytest.approx(1 / len(steps), abs=0.02)
    # As many between any two steps as between any others.
    between = [
        float(((levels < high) & (levels >= low)).float().mean())
        for high, low in pairwise(steps[1:])
    ]
    assert between == pytest.approx([1 / len(steps)] * len(between), abs=0.02)


def test_a_block_does_not_see_the_next_one() -> None:
    torch.manual_seed(0)
    model = Playground(train.CONFIG)
    found = drawn(2)
    batch = train.Batch(
        found.latents.float(), model.captions(found.counts), torch.arange(7).expand(2, -1), 1
    )
    sigmas = torch.full((2, 7), 0.5)
    changed = batch.latents.clone()
    changed[:, -clips.BLOCK :] += 1
    with torch.no_grad():
        before, after = (batch.flow(model, noisy, sigmas) for noisy in (batch.latents, changed))
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_training_resumes_where_it_stopped_and_exports(tmp_path: Path) -> None:
    autoencoder = autoencoding.train_autoencoder(tmp_path, PLAN)
    again = autoencoding.train_autoencoder(tmp_path, PLAN)  # done, so read
    assert torch.equal(autoencoder.mean, again.mean)
    trainer = train.Trainer(tmp_path, autoencoder, PLAN)
    losses = [loss for _, loss in zip(range(2), trainer.run(drawn()), strict=False)]
    assert all(math.isfinite(loss) for loss in losses)
    trainer.save()

    resumed = train.Trainer(tmp_path, autoencoder, PLAN)
    assert resumed.resume()
    assert resumed.step == trainer.step == 2
    for name, value in trainer.average.items():
        assert torch.equal(resumed.average[name], value)

    weights = tmp_path / "weights"
    config = {**train.CONFIG, "training": {"steps": 2, "minutes": 3}}
    training.export(weights, trainer.average, autoencoder, config)
    model = Playground.from_folder(weights)
    assert torch.equal(model.captions.words, trainer.average["captions.words"])

    (tmp_path / "elsewhere").mkdir()  # without a checkpoint, from the exported weights
    further = train.Trainer(tmp_path / "elsewhere", autoencoder, PLAN)
    assert not further.resume()
    further.start_from(weights)
    assert (further.step, further.seconds) == (2, 180.0)
    assert torch.equal(further.model.captions.words, model.captions.words)


def test_sharpening_leaves_latents_as_they_are(tmp_path: Path) -> None:
    autoencoder = autoencoding.train_autoencoder(tmp_path, PLAN)
    frames = clips.as_input(clips.draw_frames(1, torch.Generator().manual_seed(0)))
    latents = autoencoder.encode(frames).detach()
    decoded = autoencoder.decode(latents).detach()
    autoencoding.sharpen_decoder(autoencoder, tmp_path, PLAN)
    assert torch.equal(autoencoder.encode(frames), latents)
    assert not torch.equal(autoencoder.decode(latents), decoded)
    again = autoencoding.train_autoencoder(
        tmp_path, PLAN
    )  # what the folder holds is the sharper one
    assert torch.equal(again.decode(latents), autoencoder.decode(latents))


def test_a_card_tells_the_figures_of_the_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Playground(train.CONFIG).eval()
    found = card.figures(model, frames=2, clips=2)
    assert list(found["x0_error"]) == [f"{sigma:g}" for sigma in train.CONFIG["sigmas"]]
    assert 0 < found["psnr"] < 60
    # An untrained flow is about zero, so x0 is the noisy latents: the error shrinks with sigma.
    errors = list(found["x0_error"].values())
    assert errors == sorted(errors, reverse=True)
    card.write(tmp_path, found, {"steps": 7, "minutes": 1, "batch": 2, "device": "a CPU"})
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert f"{found['psnr']:.1f} dB" in text
    assert "7 steps" in text
    assert text.count("Not measured yet.") == len(card.TABLES)
    assert "Distilled" not in text
    told = {"steps": 70, "minutes": 9, "batch": 3}
    about = {"steps": 7, "minutes": 1, "batch": 2, "device": "a CPU", "distillation": told}
    card.write(tmp_path, found, about)
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert "Distilled from that to few steps: 70 steps of 3 clips" in text
    assert "7 steps, of 2 clips" in text


def test_a_card_holds_the_tables_that_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    about = {"steps": 7, "minutes": 1, "batch": 2, "device": "a CPU"}
    weights = Playground(train.CONFIG).parts()["transformer"].state_dict()
    training.export(tmp_path, weights, Autoencoder(), {**train.CONFIG, "training": about})
    found = card.figures(Playground.from_folder(tmp_path), frames=2, clips=1)
    monkeypatch.setattr(card, "figures", lambda _: found)
    table = tmp_path / "captions.md"
    table.write_text("| colour |\n|--:|\n| 61% |\n")
    card.main(["--folder", str(tmp_path), "--captions", str(table)])
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert "dragstream.revel captions`):\n\n| colour |\n|--:|\n| 61% |\n" in text
    assert text.count("Not measured yet.") == len(card.TABLES) - 1
    with pytest.raises(ValueError, match=r"not \['drags'\]"):
        card.write(tmp_path, found, about, {"drags": ""})
