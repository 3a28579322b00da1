"""Creation of a method's optimiser: `create_optimizer`, which dispatches on the method's class."""

from __future__ import annotations

import functools
from typing import Any

from dragstream.method.optimization import LatentOptimization
from dragstream.method.optimizer import DragOptimizer
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings


@functools.singledispatch
def create_optimizer(method: Any, problem: DragProblem) -> DragOptimizer:  # noqa: ARG001
    """Create the optimiser of one block for a method.

    A method of your own announces its class and its optimiser, a callable with these arguments:

        create_optimizer.register(MyMethod, MyOptimizer)

    Args:
        method: The method's constants.
        problem: The block and its drags.

    Raises:
        TypeError: No optimiser is registered for the method's class.
    """
    raise TypeError(
        f"no optimiser is registered for {type(method).__name__}: announce one by "
        f"create_optimizer.register({type(method).__name__}, ...)"
    )


create_optimizer.register(DragSettings, LatentOptimization)


def has_optimizer(method: object) -> bool:
    """Return True if an optimiser is registered for the method's class."""
    dispatch = create_optimizer.dispatch
    return dispatch(type(method)) is not dispatch(object)
