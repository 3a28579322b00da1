"""The parts of the method that anyone can replace, and what is asked of them.

`DragSettings` takes any object that fulfils one of these protocols, no base class needed:

| field | protocol | what it decides |
|---|---|---|
| `rectification` | `RectificationMethod` | what follows each iteration (Eq. 4) |
| `views` | `FrequencyView` | what of the reference's features a drag compares (Eq. 5-8) |
| `loss` | `DifferenceLoss` | how a difference of features counts (Eq. 3) |

A part is a value, as the settings are: a frozen dataclass whose fields are numbers, strings,
booleans, None or tuples of those; a loss may be a plain function too. So settings can be compared,
printed, and written to an archive, which holds the part's name and fields but never its code.

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

from dragstream.drags.checks import short
from dragstream.drags.own import write

__all__ = ["DifferenceLoss", "FrequencyView", "RectificationMethod"]


@runtime_checkable
class RectificationMethod(Protocol):
    """What becomes of a block's noisy latents after each iteration.

    It sees the F latent frames of the block that updates move, and no others: all of an animated
    block, the last of an edited one.
    """

    @property
    def neighbours(self) -> int:
        """How many preceding latent frames it wants to see, at least 0."""
        ...

    def prepare(self, own: Tensor, neighbours: Tensor | None) -> Callable[[Tensor], Tensor]:
        """What is done to the moved frames (1, F, C, h, w) of one block; same shape back.

        Args:
            own: These frames' latents before the first iteration, (1, F, C, h, w).
            neighbours: Latents of the preceding frames at the same noise level, (N, C, h, w),
                newest last; None where there is no past.
        """
        ...


@runtime_checkable
class FrequencyView(Protocol):
    """What is let through of keys and values where reference features are read.

    A model keeps what it has filtered under the view, so views must be hashable, and two that
    are equal must filter alike. They act on each frame and channel by itself.
    """

    @property
    def cutoff(self) -> float:
        """What records and plots name it by, in (0, 1]."""
        ...

    @property
    def is_identity(self) -> bool:
        """Whether it lets everything through."""
        ...

    def __hash__(self) -> int:
        """Equal views have equal hashes."""
        ...

    def __call__(self, maps: Tensor, /) -> Tensor:
        """Filter maps (..., height, width, channels) over height and width; same shape back."""
        ...


@runtime_checkable
class DifferenceLoss(Protocol):
    """How differences of features count."""

    def __call__(self, difference: Tensor, /) -> Tensor:
        """The contribution of each element, differentiable; same shape back."""
        ...


def fulfilled(value: object, protocol: type[Any], name: str) -> Any:
    """The value, if it has what the protocol asks for and is a value of its own kind.

    Raises:
        TypeError: It lacks a member (the message says which), is a class instead of an object, or
            could not be written down: neither a frozen dataclass of plain fields nor a function.
    """
    if isinstance(value, type):
        raise TypeError(f"{name} must be an object, got the class {value.__name__}: write its ()")
    if not isinstance(value, protocol):
        lacking = [member for member in _members(protocol) if getattr(value, member, None) is None]
        raise TypeError(
            f"{name} must be a {protocol.__name__}, got {short(value)}, "
            f"which lacks {', '.join(lacking)}"
        )
    write(value, name)
    return value


def _members(protocol: type[Any]) -> list[str]:
    """What a protocol asks for, its special methods by the names that people know."""
    return sorted(
        member
        for member in vars(protocol)
        if member in {"__call__", "__hash__"} or not member.startswith("_")
    )
