"""A stream's statistics as one pandas table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dragstream.method.moments import Moments
from dragstream.stream.records import Block

if TYPE_CHECKING:
    import pandas as pd

_INTEGERS = ("block", "frame", "latent_frame", "iteration", "segment")
_TEXTS = ("mode", "prompt")
_NUMBERS = (
    "cutoff",
    "loss",
    "loss_rec",
    "loss_cst",
    "gradient_norm",
    "mean_before",
    "std_before",
    "drift_before",
    "mean",
    "std",
    "min",
    "max",
    "drift",
    "seconds",
)
COLUMNS = ("block", *_TEXTS, *_INTEGERS[1:], *_NUMBERS)
"""The columns of `statistics`, in order."""


def statistics(blocks: Iterable[Block]) -> pd.DataFrame:
    """One row per drag iteration and one per latent frame, in order of time.

    A row has either an ``iteration`` or a ``frame``, so
    ``table[table.frame.notna()]`` is the history of the clean latents and
    ``table[table.iteration.notna()]`` that of the optimisation. Columns that do
    not apply to a row are missing values.

    =================  ============================================================================
    block              number of the block
    mode, prompt       kind of the call that made it, and its caption
    frame              latent frame within the block
    latent_frame       latent frame within the stream
    iteration          iteration within the block, from 0
    segment            the part of a long drag that the iteration worked on
    cutoff             low-pass cutoff drawn, in cycles per token (Nyquist: 0.5); 1 is unfiltered
    loss               Eq. 3; loss_rec and loss_cst are its terms
    gradient_norm      Euclidean norm of the gradient
    mean, std,         of the clean latent frame; or of the block's noisy latents after the
    min, max           iteration, rectified, all channels pooled
    drift              distance from the moments of the latent frames before the block (clean ones
                       of a frame, noisy ones of an iteration), see `method.moments.drift`;
                       missing for the frames of the first block
    mean_before,       the same of an iteration before rectification
    std_before,
    drift_before
    seconds            an iteration's; a frame's equal share of its block's total
    =================  ============================================================================
    """
    import pandas as pd

    table = pd.DataFrame([row for block in blocks for row in _rows(block)], columns=list(COLUMNS))
    kinds = dict.fromkeys(_INTEGERS, "Int64") | dict.fromkeys(_NUMBERS, "float64")
    return table.astype(kinds)


def _rows(block: Block) -> Iterator[dict[str, Any]]:
    shared = {"block": block.index, "mode": block.mode.value, "prompt": block.prompt}
    for item in block.iterations:
        yield shared | {
            **{name: getattr(item, name) for name in COLUMNS if hasattr(item, name)},
            "iteration": item.index,
            "mean_before": item.moments_before.mean,
            "std_before": item.moments_before.std,
            **_pooled(item.moments),
        }
    for frame, latent_frame in enumerate(block.latent_frames):
        yield shared | {
            "frame": frame,
            "latent_frame": latent_frame,
            **_pooled(block.frame_moments[frame]),
            "drift": block.drift[frame],
            "seconds": block.timings.total / len(block.latent_frames),
        }


def _pooled(moments: Moments) -> dict[str, float]:
    return {
        "mean": moments.mean,
        "std": moments.std,
        "min": moments.minimum,
        "max": moments.maximum,
    }
