"""Frechet distance of generated clips of the playground from rendered ones.

Streams are made from the captions of held-out scenes, without a picture, and compared with the
renderer's clips of as many scenes. The features are moments of the model's latents (see
`latent_moments`): nothing has to be downloaded, and figures compare only under the same
autoencoder. The distance between two sets of rendered clips is the lower bound for a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import check_int
from dragstream.metrics.frechet import Frechet, frechet_distance
from dragstream.models.base import VideoModel
from dragstream.revel.captions import clip_pairs
from dragstream.revel.pages import table_lines
from dragstream.revel.starts import RenderedStart
from dragstream.stream.production import VideoEncoder


def latent_moments(model: VideoModel, clips: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Features of clips (T, H, W, 3) uint8 of whole blocks: moments of their latents, (N, 3 C).

    For each of the C channels: its mean over the clip, its standard deviation over a frame
    (averaged over the clip), and the mean absolute change from one latent frame to the next.
    """
    if not isinstance(model, VideoEncoder):
        raise TypeError(f"{model.spec.name!r} makes no latents of videos")
    return np.stack([_moments(model.encode_video(clip)[0].double()) for clip in clips])


def _moments(latents: Tensor) -> NDArray[np.float64]:
    moments = (
        latents.mean(dim=(0, 2, 3)),
        latents.std(dim=(2, 3)).mean(dim=0),
        latents.diff(dim=0).abs().mean(dim=(0, 2, 3)),
    )
    return np.concatenate([moment.cpu().numpy() for moment in moments])


def distances(
    model: VideoModel, streams: int, seed: int = 0, blocks: int = 2
) -> dict[str, Frechet]:
    """Frechet distances of clips from rendered ones of held-out scenes."""
    check_int(streams, "streams", least=2)
    real, made, other = [], [], []
    for pair in clip_pairs(model, streams, seed, blocks):
        real.append(pair.rendered)
        made.append(pair.made)
        other.append(RenderedStart(seed, pair.start.scene, 1).film(len(pair.made)))
    reference, *sets = (latent_moments(model, clips) for clips in (real, made, other))
    extractor = f"moments of {model.spec.name} latents"
    return {
        name: frechet_distance(reference, features, extractor)
        for name, features in zip(("model", "renderer"), sets, strict=True)
    }


def distances_table(found: Mapping[str, Frechet]) -> list[str]:
    """The result of `distances` as the lines of a Markdown table."""
    titles = {"model": "the model", "renderer": "the renderer again"}
    rows = [
        (titles[name], f"{each.distance:.2f}", str(each.generated)) for name, each in found.items()
    ]
    return table_lines(("rendered clips against those of", "Frechet distance", "clips"), rows)
