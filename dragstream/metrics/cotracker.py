"""CoTracker3 as a tracker, from a copy of its repository: neither code nor weights come with it.

`git clone https://github.com/facebookresearch/co-tracker`, then
`CoTracker(folder="co-tracker", checkpoint="scaled_offline.pth")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dragstream.drags.checks import truncate
from dragstream.drags.files import expanded
from dragstream.metrics.trackers import checked
from dragstream.metrics.weight_files import read_state

_ENTRY = "cotracker3_offline"
"""The repository's entry point."""
_HELP = (
    "clone https://github.com/facebookresearch/co-tracker, give its folder (--cotracker FOLDER), "
    "and the weights scaled_offline.pth of https://huggingface.co/facebook/cotracker3 "
    "(--cotracker-weights FILE)"
)


@dataclass(frozen=True)
class CoTracker:
    """CoTracker3, which the paper measures with.

    Attributes:
        folder: a copy of its repository, with a hubconf.py.
        checkpoint: its weights. None: those that the repository's own entry point loads, from
            torch.hub's cache or from the network.
        device: the torch device.
    """

    name: ClassVar[str] = "cotracker3"

    folder: str | Path
    checkpoint: str | Path | None = None
    device: str = "cpu"

    def track(
        self, frames: NDArray[np.uint8], points: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See :meth:`~dragstream.metrics.trackers.Tracker.track`.

        A point that is hidden counts as inconsistent in that frame only.

        Raises:
            FileNotFoundError: a folder or weights that are missing.
            ValueError: `frames` or `points` of the wrong shape or type, or a folder or weights of
                another kind, or packages that the folder's code needs and that are missing.
        """
        frames, points = checked(frames, points)
        predictor = self._predictor
        video = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2)[None].float()
        queries = torch.zeros(1, len(points), 3, dtype=torch.float32, device="cpu")  # frame 0, x, y
        queries[0, :, 1:] = torch.from_numpy(points)
        with torch.inference_mode():
            tracks, visible = predictor(video.to(self.device), queries=queries.to(self.device))
        expected = (1, len(frames), len(points))
        if tuple(tracks.shape) != (*expected, 2) or tuple(visible.shape[:3]) != expected:
            raise ValueError(
                f"{_ENTRY!r} gave tracks {tuple(tracks.shape)} and visibilities "
                f"{tuple(visible.shape)} for {len(frames)} frames and {len(points)} points"
            )
        found = np.asarray(tracks[0].double().cpu())
        consistent = np.asarray(visible[0].reshape(expected[1:]).cpu() > 0.5)
        found[0], consistent[0] = points, True
        return found, consistent

    @cached_property
    def _predictor(self) -> Any:
        """The network, loaded once."""
        folder, weights = expanded(self.folder, "folder"), None
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {str(folder)!r}: {_HELP}")
        if not (folder / "hubconf.py").is_file():
            raise ValueError(f"{str(folder)!r} holds no hubconf.py: {_HELP}")
        if self.checkpoint is not None:
            weights = read_state(self.checkpoint, "CoTracker", _HELP, "checkpoint")
            weights = weights.get("model", weights) if isinstance(weights, dict) else weights
        place = f"{_ENTRY!r} of {str(folder)!r}"
        try:
            predictor: Any = torch.hub.load(
                str(folder), _ENTRY, source="local", pretrained=weights is None
            )
        except ImportError as error:
            raise ImportError(f"{place} cannot be imported: {error}") from error
        except RuntimeError as error:  # torch.hub's, for missing packages and entry points
            raise ValueError(f"{place} cannot be loaded: {error}") from error
        except OSError as error:
            raise FileNotFoundError(f"{place} cannot get its weights ({error}): {_HELP}") from error
        if weights is not None:
            try:
                predictor.model.load_state_dict(weights)
            except (AttributeError, RuntimeError, TypeError) as error:
                name = str(self.checkpoint)
                raise ValueError(truncate(f"{name!r} does not fit {_ENTRY!r}: {error}")) from error
        return predictor.to(self.device).eval()
