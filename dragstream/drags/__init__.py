"""What the user asks for: regions, motions, drags and their JSON.

Units everywhere: pixels of the video frame, x to the right, y down, integer coordinates at pixel
centres; degrees are positive clockwise as drawn on screen. No torch in this room.

The names below are imported when first used; `dragstream.drags.geometry` alone needs only numpy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
