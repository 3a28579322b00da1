"""Terms of Eq. 3: the loss of a difference (`Loss`) and the kept region (`Constraint`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from torch import Tensor

from dragstream.drags.checks import check_bool, check_fields, check_not_negative, short_repr
from dragstream.method.parts import DifferenceLoss, check_part


class Loss(Enum):
    """Elementwise loss of a feature difference: `L1` (the paper) or `MSE` (the release)."""

    L1 = "L1"
    MSE = "MSE"

    def __call__(self, difference: Tensor) -> Tensor:
        """Compute the loss of each element of a difference."""
        return difference.abs() if self is Loss.L1 else difference.square()

    @classmethod
    def of(cls, value: object) -> DifferenceLoss:
        """Convert a member, a member's name or a custom `DifferenceLoss` to a loss."""
        for member in cls:
            if value is member or value == member.value:
                return member
        if callable(value):
            own: DifferenceLoss = check_part(value, DifferenceLoss, "loss")
            return own
        allowed = ", ".join(f"Loss.{member.name}" for member in cls)
        raise ValueError(
            f"loss must be a DifferenceLoss or one of {allowed}, got {short_repr(value)}"
        )


@dataclass(frozen=True)
class Constraint:
    """Penalty on changes of the region to keep: the second term of Eq. 3.

    Args:
        weight: Factor of the term; 0 omits it.
        predictions: Compare clean predictions x0 (the release) instead of features (the paper).
            This runs all layers, instead of those up to the last tapped one.
        spare_targets: Exempt the cells that a segment's targets cover in any frame, even within
            `keep` (the release).
        per_element: Take the mean over all elements of the block, kept or not (the release),
            instead of the sum over the kept pixels, divided by the area of the targets like the
            first term.

    Raises:
        TypeError: Not a number, or not a boolean.
        ValueError: A weight that is negative or not finite.
    """

    weight: float = 1.0
    predictions: bool = False
    spare_targets: bool = False
    per_element: bool = False

    def __post_init__(self) -> None:
        check_fields(self, weight=check_not_negative, predictions=check_bool)
        check_fields(self, spare_targets=check_bool, per_element=check_bool)
