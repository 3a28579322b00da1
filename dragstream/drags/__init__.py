"""What the user asks for: regions, motions, drags and their JSON.

Units everywhere: pixels of the video frame, x to the right, y down, integer coordinates at pixel
centres; degrees are positive clockwise as drawn on screen. No torch in this room.
"""

from __future__ import annotations
