"""The loss of the optimisation and its two terms: Eq. 3."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.method.features import Maps, References
from dragstream.method.loss import Constraint
from dragstream.method.parts import DifferenceLoss, FrequencyView
from dragstream.method.target_cells import TargetCells, sample
from dragstream.method.targets import SegmentTargets


@dataclass(frozen=True, eq=False)
class PreservationTerm:
    """The second term of Eq. 3: changes of the region to keep."""

    kept: Tensor  # fraction of each cell that must not change, (rows, columns) from 0 to 1
    cell: float  # number of pixels of a cell
    loss: DifferenceLoss
    constraint: Constraint

    def __call__(self, maps: Maps, initial: Maps | None, targets: SegmentTargets) -> Tensor:
        """Compute the term, a mean over channels, for the kept cells without the exempted ones."""
        name = "predictions" if self.constraint.predictions else "features"
        now, before = getattr(maps, name), getattr(initial, name, None)
        if now is None or before is None:
            raise ValueError(f"the constraint compares {name}, which were not read")
        kept = self.kept if targets.exempt is None else self.kept * (1.0 - targets.exempt)
        total = (self.loss(now - before).mean(dim=-1) * kept).sum()
        if self.constraint.per_element:
            return total / (len(now) * kept.numel())
        return total * (self.cell / targets.area)


@dataclass(frozen=True, eq=False)
class DragLoss:
    """The loss of one block (Eq. 3).

    Both terms are sums over pixels, divided by the area of the targets. This makes the losses of
    small and large regions comparable and keeps the paper's balance of the terms; AdamW is
    invariant to the scale. (In the release the second term is a separate mean, see `Constraint`.)
    """

    loss: DifferenceLoss
    preservation: PreservationTerm | None = None  # the second term, or None to omit it
    prediction_weight: float = 0.0
    """Weight of clean predictions x0 beside features in the first term."""
    nearest: bool = False  # sample references at the nearest cell instead of bilinearly

    def __post_init__(self) -> None:
        check_loss(self.loss)

    def __call__(
        self,
        maps: Maps,
        references: References,
        initial: Maps | None,
        targets: SegmentTargets,
        view: FrequencyView,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the loss of F(z'), with F_ref under `view` and F(z), and its two terms."""
        loss_rec = self._reconstruction(maps, references, targets, view) / targets.area
        if self.preservation is None:
            return loss_rec, loss_rec, torch.zeros_like(loss_rec)
        loss_cst = self.preservation(maps, initial, targets)
        return loss_rec + self.preservation.constraint.weight * loss_cst, loss_rec, loss_cst

    def _reconstruction(
        self, maps: Maps, references: References, targets: SegmentTargets, view: FrequencyView
    ) -> Tensor:
        """Compute the first term: a sum over the targets' pixels, a mean over channels."""
        total = maps.features.new_zeros(())
        for features, cells in zip(references.features, targets.cells, strict=True):
            total = total + self._misfit(maps.features, features[view], cells)
        if maps.predictions is not None:
            for clean, cells in zip(references.predictions, targets.latent_cells, strict=True):
                misfit = self._misfit(maps.predictions, clean, cells)
                total = total + self.prediction_weight * misfit
        return total

    def _misfit(self, maps: Tensor, reference: Tensor, cells: TargetCells) -> Tensor:
        """Compute the loss of maps (F, rows, columns, channels) to a reference at the targets."""
        wanted = sample(reference, cells.points, nearest=self.nearest)
        found = maps[cells.frames, cells.rows, cells.columns]
        return (self.loss(found - wanted).mean(dim=-1) * cells.areas).sum()


def check_loss(loss: DifferenceLoss) -> None:
    """Check a loss on a small difference."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        probe = torch.tensor(
            [[-1.0, 0.5, 2.0]], dtype=torch.float32, device="cpu", requires_grad=True
        )
        found: object = loss(probe)
    if not isinstance(found, Tensor) or found.shape != probe.shape or not found.requires_grad:
        raise ValueError(
            f"loss must give one differentiable number for each element of a difference, "
            f"{loss!r} gave {found!r} for one of shape {tuple(probe.shape)}"
        )
