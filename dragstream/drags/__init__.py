"""Regions, motions and drags as values, and their JSON.

Units: pixels of the video frame, x to the right, y down, integer coordinates at pixel centres;
degrees are positive clockwise on screen. This package does not import torch.

The names below are imported when first used; `dragstream.drags.geometry` alone needs only numpy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
