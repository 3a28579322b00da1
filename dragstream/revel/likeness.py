"""Frechet distance of generated clips of the playground from rendered ones.

Streams are made from the captions of held-out scenes, without a picture, and compared with the
renderer's clips of as many scenes. The features are moments of the model's latents (see
`LatentMoments`): nothing has to be downloaded, and figures compare only under the same
autoencoder. The distance between two sets of rendered clips is the lower bound for a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.models.base import VideoModel
from dragstream.revel.captions import takes
from dragstream.revel.cases import Start
from dragstream.stream.production import VideoEncoder

__all__ = ["LatentMoments", "Trio", "trios"]


@dataclass(frozen=True, eq=False)
class LatentMoments:
    """Clips to moments of their latents: an extractor for Frechet distances of clips.

    For each channel of the latents: its mean over the clip, its standard deviation over a frame
    (averaged over the clip), and the mean absolute change from one latent frame to the next.

    Attributes:
        model: whose autoencoder makes the latents.

    Raises:
        TypeError: a model that encodes pictures only.
    """

    model: VideoModel

    def __post_init__(self) -> None:
        self._encoder()

    @property
    def name(self) -> str:
        """The extractor's name."""
        return f"moments of {self.model.spec.name} latents"

    def _encoder(self) -> VideoEncoder:
        if not isinstance(self.model, VideoEncoder):
            raise TypeError(f"{self.model.spec.name!r} makes no latents of videos")
        return self.model

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Clips (N, T, H, W, 3) uint8 of whole blocks to (N, 3 * channels)."""
        return np.stack([self._moments(clip) for clip in samples])

    def _moments(self, clip: NDArray[np.uint8]) -> NDArray[np.float64]:
        latents = self._encoder().encode_video(clip)[0].double()
        moments = (
            latents.mean(dim=(0, 2, 3)),
            latents.std(dim=(2, 3)).mean(dim=0),
            latents.diff(dim=0).abs().mean(dim=(0, 2, 3)),
        )
        return np.concatenate([moment.cpu().numpy() for moment in moments])


@dataclass(frozen=True, eq=False)
class Trio:
    """Three clips of one length, uint8 (T, H, W, 3).

    Attributes:
        made: the model's, from a held-out scene's caption.
        rendered: the renderer's, of that scene.
        other: the renderer's, of another scene.
    """

    made: NDArray[np.uint8]
    rendered: NDArray[np.uint8]
    other: NDArray[np.uint8]


def trios(model: VideoModel, streams: int, seed: int = 0, blocks: int = 2) -> Iterator[list[Trio]]:
    """Make clips to compare; yields those of one stream after the other.

    Args:
        model: a model of the playground's frame size.
        streams: number of streams.
        seed: seed of the scenes and of the streams' noise.
        blocks: length of each stream, in blocks.

    Raises:
        ValueError: fewer than two streams, no blocks, or a model of another frame size.
    """
    check_int(streams, "streams", least=2)
    for take in takes(model, streams, seed, blocks):
        other = Start(seed, take.start.scene, 1).film(len(take.made))
        yield [Trio(take.made, take.rendered, other)]
