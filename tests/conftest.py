from __future__ import annotations

import pytest
from hypothesis import settings

# The same examples every time, and no deadline: two busy cores are slow, not wrong.
settings.register_profile("dragstream", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("dragstream")


@pytest.fixture(scope="module")
def one_thread():
    """Models so small that threads of torch would only wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
