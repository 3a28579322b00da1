from __future__ import annotations

from hypothesis import settings

# The same examples every time, and no deadline: two busy cores are slow, not wrong.
settings.register_profile("dragstream", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("dragstream")
