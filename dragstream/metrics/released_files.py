"""Search for a label's videos by their names in the released folder layout.

```
saved_labels/…/NAME/block_3_Drag_trajectory.json      a label of block 3
outputs-editing/…/NAME/block_0_3.mp4                  blocks 0 to 2, before the drag
outputs-editing/…/NAME/block_0_3_Drag_3.mp4           the same with the drag
outputs-editing/…/NAME/block_3_Drag_3.mp4             only the blocks that the drag made
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dragstream.drags.labels import Label

_LABELS, _OUTPUTS = "saved_labels", "outputs-editing"
_PART = re.compile(r"(?:after_)?block_(\d+)_(Drag|Animation)_\d+")


def find_before(label: Label, *places: Path) -> Path | None:
    """The video before the label's block, in the first of some folders that holds one."""
    return _find(re.compile(rf"(?:before_)?block_\d+_{label.block}"), places)


def find_video(label: Label, *places: Path) -> Path | None:
    """The whole video that was made under the label, found as `find_before` finds its past."""
    name = rf"(?:after_)?block_\d+_{label.block}_{label.mode.value}_\d+"
    return _find(re.compile(name), places)


def lacks_past(video: Path) -> bool:
    """True if a video, by its name, holds only the blocks that a drag made."""
    return _PART.fullmatch(video.stem) is not None


def _find(name: re.Pattern[str], places: tuple[Path, ...]) -> Path | None:
    for folder in dict.fromkeys(_folders(places)):
        found = sorted(file for file in folder.glob("*.mp4") if name.fullmatch(file.stem))
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise ValueError(f"{folder} holds several such videos ({names}): name one of them")
        if found:
            return found[0]
    return None


def _folders(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        folder = place if place.is_dir() else place.parent
        yield folder
        parts = folder.resolve().parts
        if _LABELS in parts:
            yield Path(*(_OUTPUTS if part == _LABELS else part for part in parts))
