"""The loss of the optimisation: Eq. 3, its terms and its gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dragstream.method.aim import Aim
from dragstream.method.features import Features, Observation
from dragstream.method.parts import DifferenceLoss, FrequencyView
from dragstream.method.placement import Placement, sample
from dragstream.method.pulls import Pull


class Objective:
    """The loss of one block (Eq. 3).

    Both terms are sums over pixels, divided by the area of the targets. This makes the losses of
    small and large regions comparable and keeps the paper's balance of the terms; AdamW is
    invariant to the scale. (In the release the second term is a separate mean, see `Constraint`.)

    Args:
        features: Feature maps of the block and of the pulls' references.
        pulls: The drags.
        loss: Elementwise loss of a difference.
        keeper: The second term, or None to omit it.
        weight: Factor of the second term.
        prediction_weight: Weight of clean predictions x0 beside features in the first term.
        nearest: Sample references at the nearest cell instead of bilinearly.

    Raises:
        ValueError: The loss does not return one differentiable number for each element.
    """

    def __init__(
        self,
        features: Features,
        pulls: Sequence[Pull],
        loss: DifferenceLoss,
        keeper: Keeper | None = None,
        weight: float = 1.0,
        *,
        prediction_weight: float = 0.0,
        nearest: bool = False,
    ) -> None:
        check_loss(loss)
        self._nearest = nearest
        self._features = features
        self._pulls = tuple(pulls)
        self._loss = loss
        self._keeper = keeper
        self._weight = weight
        self._prediction_weight = prediction_weight
        self._begun = False

    def __call__(self, latents: Tensor, aim: Aim, low_pass: FrequencyView) -> tuple[Tensor, ...]:
        """Compute the loss, its two terms and its gradient, all on the device.

        The first call must be at the block's initial latents: the second term stores the maps of
        that pass as its reference, which avoids a separate pass.
        """
        for pull in self._pulls:  # before the block's own pass allocates its memory
            self._features.prepare(pull.reference, low_pass)
        with torch.enable_grad():
            point = latents.detach().requires_grad_()
            seen = self._features.observe(point)
            if not self._begun:
                self._features.remember_initial(seen)
                self._begun = True
            loss_rec = self._pull(seen, aim, low_pass) / aim.area
            loss_cst = torch.zeros_like(loss_rec)
            if self._keeper is not None:
                loss_cst = self._keeper(seen, aim)
            loss = loss_rec + self._weight * loss_cst
            (gradient,) = torch.autograd.grad(loss, point)
        return loss.detach(), loss_rec.detach(), loss_cst.detach(), gradient

    def _pull(self, seen: Observation, aim: Aim, low_pass: FrequencyView) -> Tensor:
        """Compute the first term: a sum over the targets' pixels, a mean over channels."""
        total = seen.features.new_zeros(())
        for pull, placement in zip(self._pulls, aim.placements, strict=True):
            wanted = self._features.of_reference(pull.reference, low_pass)
            total = total + self._misfit(seen.features, wanted, placement)
        if seen.predictions is not None and self._prediction_weight > 0:
            for pull, placement in zip(self._pulls, aim.latent_placements, strict=True):
                wanted = self._features.predicted(pull.reference)
                misfit = self._misfit(seen.predictions, wanted, placement)
                total = total + self._prediction_weight * misfit
        return total

    def _misfit(self, maps: Tensor, reference: Tensor, placement: Placement) -> Tensor:
        """Compute the loss of maps (F, rows, columns, channels) to a reference at the targets."""
        wanted = sample(reference, placement.points, nearest=self._nearest)
        found = maps[placement.frames, placement.rows, placement.columns]
        return (self._loss(found - wanted).mean(dim=-1) * placement.areas).sum()


def check_loss(loss: DifferenceLoss) -> None:
    """Check a loss on a small difference.

    Raises:
        ValueError: The loss changes the shape, or is not differentiable.
    """
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


class Keeper:
    """The second term of Eq. 3 for one block, relative to the maps of its first evaluation.

    Args:
        kept: Fraction of each cell that must not change, (rows, columns) from 0 to 1.
        cell: Number of pixels of a cell.
        loss: Elementwise loss of a difference.
        predictions: Compare clean predictions x0 instead of features.
        per_element: Take the mean over all elements, see `Constraint`.
    """

    def __init__(
        self,
        kept: Tensor,
        cell: float,
        *,
        loss: DifferenceLoss,
        predictions: bool = False,
        per_element: bool = False,
    ) -> None:
        self._kept = kept
        self._cell = cell
        self._loss = loss
        self._predictions = predictions
        self._per_element = per_element
        self._initial: Tensor | None = None

    def __call__(self, seen: Observation, aim: Aim) -> Tensor:
        """Compute the term, a mean over channels, for the kept cells without the exempted ones.

        Raises:
            ValueError: The term compares predictions, and the pass has none.
        """
        maps = seen.predictions if self._predictions else seen.features
        if maps is None:
            raise ValueError("the constraint compares predictions, and the pass made none")
        if self._initial is None:
            self._initial = maps.detach()
            self._kept = self._kept.to(maps.device)  # copied once, not in each iteration
        kept = self._kept if aim.spared is None else self._kept * (1.0 - aim.spared)
        total = (self._loss(maps - self._initial).mean(dim=-1) * kept).sum()
        return (
            total / (len(maps) * kept.numel())
            if self._per_element
            else (total * (self._cell / aim.area))
        )
