"""A shorter look back for the optimisation alone: `DragSettings.window`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dragstream.method.pulls import Pull

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel


@runtime_checkable
class Narrowing(Protocol):
    """A model that can be shown less of its past than it remembers."""

    def narrowed(self, context: Any, window: int) -> Any:
        """The same past seen through a window of so many latent frames."""
        ...


def narrow(
    model: VideoModel, context: Any, pulls: Sequence[Pull], window: int | None
) -> tuple[Any, tuple[Pull, ...]]:
    """Context and pulls as the iterations see them: block and references through one window.

    Both sides of Eq. 3 look back equally far, so that features differ by what is in the frame and
    not by how much past they show. The denoising steps keep the model's whole window.

    Args:
        model: What generates.
        context: What it remembers of the blocks before.
        pulls: The drags.
        window: Latent frames that a block attends to, its own among them; None for as it is.

    Raises:
        TypeError: The model cannot do that.
        ValueError: A window that is too short for the model.
    """
    if window is None:
        return context, tuple(pulls)
    if not isinstance(model, Narrowing):
        raise TypeError(
            f"window={window} needs a model with narrowed(context, window), "
            f"which {model.spec.name!r} lacks"
        )
    # References to one block share their passes; they are known by their contexts.
    known: dict[int, Any] = {}

    def seen(whole: Any) -> Any:
        if id(whole) not in known:
            known[id(whole)] = model.narrowed(whole, window)
        return known[id(whole)]

    shown = tuple(
        dataclasses.replace(
            pull,
            reference=dataclasses.replace(pull.reference, context=seen(pull.reference.context)),
        )
        for pull in pulls
    )
    return seen(context), shown
