"""Protocols for the replaceable parts of the method.

`DragSettings` accepts any object that implements one of these protocols, without a base class:

| field | protocol | purpose |
|---|---|---|
| `rectification` | `RectificationMethod` | correction of the latents after each iteration (Eq. 4) |
| `views` | `FrequencyView` | filter of the reference features (Eq. 5-8) |
| `loss` | `DifferenceLoss` | loss of a difference of features (Eq. 3) |

A part is a value, like the settings: a frozen dataclass whose fields are numbers, strings,
booleans, None or tuples of those; a loss may also be a plain function. Settings can therefore be
compared, printed and archived. An archive contains the part's name and fields, never its code.

```python
@dataclass(frozen=True)
class Halfway:
    neighbours: int = 9

    def prepare(self, own, neighbours):
        whole = Rectification(self.neighbours).prepare(own, neighbours)
        return lambda latents: (latents + whole(latents)) / 2

ds.DragSettings.paper(rectification=Halfway())
```
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from dragstream.drags.checks import short_repr
from dragstream.drags.reading import to_plain

__all__ = ["DifferenceLoss", "FrequencyView", "RectificationMethod"]


@runtime_checkable
class RectificationMethod(Protocol):
    """A correction of a block's noisy latents after each iteration.

    It receives only the F latent frames of the block that updates modify: all frames of an
    animated block, the last frame of an edited one.
    """

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that it uses, at least 0."""

    def prepare(self, own: Tensor, neighbours: Tensor | None) -> Callable[[Tensor], Tensor]:
        """Return a function on the modified frames (1, F, C, h, w) of a block that keeps the shape.

        Args:
            own: These frames' latents before the first iteration, (1, F, C, h, w).
            neighbours: Latents of the preceding frames at the same noise level, (N, C, h, w),
                newest last; None at the start of a stream.
        """


@runtime_checkable
class FrequencyView(Protocol):
    """A filter of the keys and values in the pass that computes reference features.

    A model uses the view as a cache key, so views must be hashable, and equal views must give
    equal results. A view acts on each frame and channel independently.
    """

    @property
    def cutoff(self) -> float:
        """The value that identifies the view in records and plots, in (0, 1]."""

    @property
    def is_identity(self) -> bool:
        """True if the view leaves maps unchanged."""

    def __hash__(self) -> int:
        """Return a hash; equal views have equal hashes."""

    def __call__(self, maps: Tensor, /) -> Tensor:
        """Filter maps (..., height, width, channels) over height and width, keeping the shape."""


@runtime_checkable
class DifferenceLoss(Protocol):
    """An elementwise loss of feature differences."""

    def __call__(self, difference: Tensor, /) -> Tensor:
        """Compute the loss of each element, differentiable, keeping the shape."""


def check_part(value: object, protocol: type[Any], name: str) -> Any:
    """Check that a custom part implements a protocol and can be serialised, and return it."""
    if isinstance(value, type):
        raise TypeError(f"{name} must be an object, got the class {value.__name__}: write its ()")
    if not isinstance(value, protocol):
        members = sorted(
            member
            for member in vars(protocol)
            if member in {"__call__", "__hash__"} or not member.startswith("_")
        )
        lacking = [member for member in members if getattr(value, member, None) is None]
        raise TypeError(
            f"{name} must be a {protocol.__name__}, got {short_repr(value)}, "
            f"which lacks {', '.join(lacking)}"
        )
    to_plain(value, name)
    return value
