"""How differences count (`Loss`) and what must not differ (`Constraint`): the terms of Eq. 3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from dragstream.drags.checks import not_negative, short, switch
from dragstream.method.parts import DifferenceLoss, fulfilled


class Loss(Enum):
    """How a difference of features counts: `L1` (the paper) or `MSE` (the release)."""

    L1 = "L1"
    MSE = "MSE"

    def __call__(self, difference: Tensor) -> Tensor:
        """The contribution of each element of a difference."""
        return difference.abs() if self is Loss.L1 else difference.square()

    @classmethod
    def of(cls, value: object) -> DifferenceLoss:
        """A member, the member of that name, or a `DifferenceLoss` of someone's own.

        Raises:
            TypeError: Something that can be called, but is no such loss.
            ValueError: Anything else.
        """
        for member in cls:
            if value is member or value == member.value:
                return member
        if callable(value):
            own: DifferenceLoss = fulfilled(value, DifferenceLoss, "loss")
            return own
        allowed = ", ".join(f"Loss.{member.name}" for member in cls)
        raise ValueError(f"loss must be a DifferenceLoss or one of {allowed}, got {short(value)}")


@dataclass(frozen=True)
class Constraint:
    """What holds the region that must not change: the second term of Eq. 3.

    Args:
        weight: What the term is multiplied with; 0 leaves it out.
        predictions: Compare clean predictions x0 (the release) rather than features (the paper).
            All layers run then, instead of those up to the last tapped one.
        spare_targets: What a segment's targets cover, in any frame, may change even where `keep`
            covers it (the release).
        per_element: The term is a mean over all elements of the block, kept or not (the release),
            instead of a sum over the kept pixels, divided by the area of the targets as the first
            term is.

    Raises:
        TypeError: Not a number, or not a boolean.
        ValueError: A weight that is negative or not finite.
    """

    weight: float = 1.0
    predictions: bool = False
    spare_targets: bool = False
    per_element: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", not_negative(self.weight, "weight"))
        for name in ("predictions", "spare_targets", "per_element"):
            object.__setattr__(self, name, switch(getattr(self, name), name))
