"""AdamW as a function of latents and gradient, so that the update can be masked (Eq. 9)."""

from __future__ import annotations

import torch
from torch import Tensor

_FIRST_BETA, _SECOND_BETA = 0.9, 0.999


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019, Algorithm 2).

    `torch.optim.AdamW` overwrites its parameters, whereas the method needs the updated values as a
    separate tensor. Importing it also takes more than a second, which would delay the first drag.
    """

    def __init__(
        self, learning_rate: float, weight_decay: float = 0.01, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epsilon = epsilon
        self._steps = 0
        self._first: Tensor | None = None
        self._second: Tensor | None = None

    def step(self, values: Tensor, gradient: Tensor) -> Tensor:
        """Return the values after one step from `values`, which are not modified."""
        if self._first is None or self._second is None:
            self._first, self._second = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self._steps += 1
        self._first = torch.lerp(gradient, self._first, _FIRST_BETA)
        self._second = torch.lerp(gradient.square(), self._second, _SECOND_BETA)
        first = self._first / (1 - _FIRST_BETA**self._steps)
        second = self._second / (1 - _SECOND_BETA**self._steps)
        decayed = values * (1 - self.learning_rate * self.weight_decay)
        return decayed - self.learning_rate * first / (second.sqrt() + self.epsilon)
