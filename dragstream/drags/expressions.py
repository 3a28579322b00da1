"""Drags as Python source: expressions that evaluate to exactly the same values.

```python
print(render(drag_expression(drag)))
# ds.Drag(ds.regions.disc(center=(64, 40), radius=14), ds.Translation.by(24, 0))
```

The expressions are written as by hand, and need `import dragstream as ds`.
"""

from __future__ import annotations

from dragstream.drags.motions.drag import Drag, Memory
from dragstream.drags.shapes import Box, Brush, Combination, Disc, Mask, Polygon, Shape
from dragstream.drags.source import Expression, Items, Make, number, pair, pairs


def drag_expression(drag: Drag) -> Make:
    """The source of a drag."""
    arguments: list[Expression] = [region_expression(drag.region), drag.motion.expression()]
    if drag.source is None:
        return Make.of("ds.Drag", *arguments)
    return Make.of("ds.Drag", *arguments, source=_memory(drag.source))


def _memory(memory: Memory) -> Make:
    return Make.of("ds.Memory", str(memory.block), region_expression(memory.region))


def region_expression(region: Shape) -> Make:
    """The source of a region."""
    match region:
        case Disc():
            return Make.of(
                "ds.regions.disc", center=pair(region.center), radius=number(region.radius)
            )
        case Box():
            names = ("left", "top", "right", "bottom")
            return Make.of("ds.regions.box", *(number(getattr(region, name)) for name in names))
        case Polygon():
            return Make.of("ds.regions.polygon", pairs(region.points))
        case Brush():
            return Make.of("ds.regions.brush", pairs(region.points), radius=number(region.radius))
        case Mask():
            height, width = region.array.shape
            runs = Items(tuple(map(str, region.runs)))
            return Make.of("ds.regions.Mask.from_runs", str(height), str(width), runs)
        case Combination():
            parts = Items(tuple(map(region_expression, region.of)))
            return Make.of(f"ds.regions.{type(region).__name__}", parts)
        case _:
            raise TypeError(f"a region of class {type(region).__name__} cannot be written")
