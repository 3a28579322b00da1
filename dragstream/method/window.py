"""A shorter attention window for the optimisation only: `DragSettings.window`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dragstream.method.pulls import Pull

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel


@runtime_checkable
class Narrowing(Protocol):
    """A model whose context can be restricted to a shorter attention window."""

    def narrowed(self, context: Any, window: int) -> Any:
        """Return the context restricted to a window of this many latent frames."""
        ...


def narrow(
    model: VideoModel, context: Any, pulls: Sequence[Pull], window: int | None
) -> tuple[Any, tuple[Pull, ...]]:
    """Restrict the contexts of the block and of the pulls' references to the same window.

    Both sides of Eq. 3 then attend to equally many frames, so that features differ by the content
    of the frame and not by the length of the context. The denoising steps keep the whole window.

    Args:
        model: The video model.
        context: The model's context (cache) of the preceding blocks.
        pulls: The drags.
        window: Latent frames that a block attends to, including its own; None: no restriction.

    Raises:
        TypeError: The model has no `narrowed`.
        ValueError: The window is too short for the model.
    """
    if window is None:
        return context, tuple(pulls)
    if not isinstance(model, Narrowing):
        raise TypeError(
            f"window={window} needs a model with narrowed(context, window), "
            f"which {model.spec.name!r} lacks"
        )
    # References to one block share feature passes, so each context is restricted only once.
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
