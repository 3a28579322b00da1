"""Training of the playground's parts: optimizers, weight average, checkpoints and export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dragstream.drags.files import replacing
from dragstream.drags.reading import located
from dragstream.models.playground.autoencoder import Autoencoder
from dragstream.models.playground.model import Playground

_EMA = 0.998
"""Decay of the weight average; smaller in the first steps."""


class Training:
    """A module in training: optimizers and weight average, with checkpoints in the file `path`."""

    def __init__(
        self, module: nn.Module, optimizers: Sequence[torch.optim.Optimizer], path: Path
    ) -> None:
        self.module = module
        self.optimizers = optimizers
        self.path = path
        self.average = self.copy_of_weights()
        self.step = 0
        self.seconds = 0.0

    def copy_of_weights(self) -> dict[str, Tensor]:
        """Copy the module's weights."""
        return {name: weight.clone() for name, weight in self.module.state_dict().items()}

    def save(self) -> None:
        """Write a checkpoint for `resume`, atomically."""
        state = {
            "model": self.module.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
        }
        with replacing(self.path) as part:
            torch.save(state, part)

    def resume(self) -> bool:
        """Continue from the checkpoint; False if there is none."""
        if not self.path.is_file():
            return False
        with located(f"{self.path} is no checkpoint of this training", Exception):
            device = next(self.module.parameters()).device
            saved = torch.load(self.path, map_location=device, weights_only=True)
            self.module.load_state_dict(saved["model"])
            self.average = saved["average"]
            for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            self.step, self.seconds = saved["step"], saved["seconds"]
        return True

    def descend(self, loss: Tensor, learning_rate: float) -> None:
        """Take one step of the optimizers, and update the weight average."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        keep = min(_EMA, (1 + self.step) / (20 + self.step))
        for name, weight in self.module.state_dict().items():
            self.average[name].lerp_(weight, 1 - keep)


class TransformerTraining(Training):
    """The training of a playground's transformer, the caption encoder included."""

    def __init__(self, model: Playground, path: Path, learning_rate: float) -> None:
        self.model = model
        super().__init__(model.parts()["transformer"], _optimizers(model, learning_rate), path)


def _optimizers(model: Playground, learning_rate: float) -> list[torch.optim.Optimizer]:
    """Make the optimizers: Muon for matrices inside the layers, AdamW for all else."""
    matrices: list[nn.Parameter] = []
    others = list(model.captions.parameters())
    for name, weight in model.wan.transformer.named_parameters():
        inner = weight.ndim == 2 and name.startswith("blocks.")
        (matrices if inner else others).append(weight)
    return [
        torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def export(
    folder: Path,
    transformer: Mapping[str, Tensor],
    autoencoder: Autoencoder,
    config: Mapping[str, Any],
) -> None:
    """Write config and weights in the format of `Playground.from_folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in (("transformer", transformer), ("autoencoder", autoencoder.state_dict())):
        weights = {key: weight.detach().cpu().contiguous() for key, weight in state.items()}
        save_file(weights, folder / f"{name}.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
