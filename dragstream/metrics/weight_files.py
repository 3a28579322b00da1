"""Files of weights that users downloaded, by name or in torch.hub's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from dragstream.drags.files import expanded


def hub_file(*names: str) -> Path:
    """The first of these files that torch.hub has downloaded before; none: where the first goes."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = [folder / name for name in names if (folder / name).is_file()]
    return found[0] if found else folder / names[0]


def read_state(file: str | Path, network: str, source: str, name: str = "weights") -> Any:
    """The state dict in a file; only tensors are unpickled."""
    place = expanded(file, name)
    if not place.is_file():
        raise FileNotFoundError(f"there are no {network} weights {str(place)!r}: {source}")
    try:
        return torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{str(place)!r} holds no weights of {network}: {error}") from error
