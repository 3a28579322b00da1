"""Click to select with SAM (Kirillov et al. 2023), where transformers is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import short_repr, truncate
from dragstream.drags.extras import needed
from dragstream.drags.files import expanded
from dragstream.models.config_files import read_config, read_json

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class SegmentAnything:
    """A SAM checkpoint from a folder, as `transformers` saves it. Nothing is downloaded."""

    def __init__(self, folder: str | Path) -> None:
        what = "SAM needs transformers, which is not installed"
        sam = needed("transformers", what, "sam").SamModel
        path = expanded(folder, "folder")
        if not (path / "config.json").is_file():
            raise ValueError(f"sam must be a folder with a SAM checkpoint, got {str(folder)!r}")
        kind = read_config(path / "config.json").get("model_type")
        if kind != "sam":
            raise ValueError(f"{path} holds a model of type {short_repr(kind)}, not 'sam'")
        try:
            self._model: Any = sam.from_pretrained(
                path, local_files_only=True, trust_remote_code=False, use_safetensors=True
            ).eval()
        except Exception as error:  # readers raise many kinds of errors on damaged files
            raise ValueError(truncate(f"{path} holds no SAM that can be read: {error}")) from error
        self._mean, self._deviation = _statistics(path)

    def similarity(self, frame: NDArray[np.uint8], point: tuple[float, float]) -> Floats:
        """SAM's probability that each pixel belongs to the object at (x, y), (H, W).

        It is that of the mask that SAM itself rates best among its three.
        """
        import torch
        from torch.nn import functional as F

        height, width = frame.shape[:2]
        side = int(self._model.config.vision_config.image_size)
        scale = side / max(height, width)
        inner = round(height * scale), round(width * scale)
        x, y = ((value + 0.5) * scale for value in point)
        with torch.inference_mode():
            pixels = self._prepared(frame, inner, side)
            clicked = torch.tensor([[[[x, y]]]], dtype=pixels.dtype, device=pixels.device)
            found = self._model(pixel_values=pixels, input_points=clicked, multimask_output=True)
            best = int(found.iou_scores[0, 0].argmax())
            logits = found.pred_masks[:, 0, best : best + 1].float()
            whole = F.interpolate(logits, (side, side), mode="bilinear", align_corners=False)
            cut = whole[..., : inner[0], : inner[1]]
            fitting = F.interpolate(cut, (height, width), mode="bilinear", align_corners=False)
            probabilities: Floats = fitting.sigmoid()[0, 0].cpu().numpy()
        return probabilities

    def _prepared(
        self, frame: NDArray[np.uint8], inner: tuple[int, int], side: int
    ) -> torch.Tensor:
        """The input of SAM: longest side scaled to `side`, normalised, padded to a square."""
        import torch
        from torch.nn import functional as F

        weight = next(self._model.parameters())
        pixels = torch.from_numpy(frame.copy()).to(weight.device).permute(2, 0, 1)[None].float()
        pixels = F.interpolate(pixels, inner, mode="bilinear", antialias=True, align_corners=False)
        mean, deviation = (
            torch.tensor(values, dtype=torch.float32, device=weight.device).view(1, 3, 1, 1)
            for values in (self._mean, self._deviation)
        )
        normal = (pixels / 255 - mean) / deviation
        padded = F.pad(normal, (0, side - inner[1], 0, side - inner[0]))
        return padded.to(weight.dtype)


def _statistics(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of the colours that the checkpoint was trained with."""
    file = folder / "preprocessor_config.json"
    given = read_json(file) if file.is_file() else {}
    mean, deviation = given.get("image_mean", _MEAN), given.get("image_std", _DEVIATION)
    return tuple(mean), tuple(deviation)
