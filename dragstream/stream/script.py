"""A stream as Python source: the calls that make it again, bit for bit on a CPU.

Of a session only what survives is written: each block knows how it was made, also before it was
edited, and what was rewound is gone. An animation of which some blocks were rewound is made as a
whole, since its length shapes each of its blocks, and rewound again.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.expressions import (
    Expression,
    Items,
    Make,
    drag_expression,
    number,
    region_expression,
    render,
)
from dragstream.drags.shapes import as_shape
from dragstream.method.settings import DragSettings
from dragstream.models import available
from dragstream.stream.records import Block, Call, Mode

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec, VideoModel

_LINE = 96
"""Characters of a picture's data in one line."""


def script(
    model: VideoModel, *, blocks: Sequence[Block], prompt: str, seed: int, load: str | None
) -> str:
    """The source that makes a stream of these blocks again.

    Args:
        model: What made them.
        blocks: All blocks, oldest first.
        prompt: The caption of the block to come.
        seed: What all noise derives from.
        load: The expression that gives the model; None for `ds.load` of its name.

    Raises:
        ValueError: A model without a name that `ds.load` knows, and no expression for it; blocks
            from an archive that does not tell how they were made.
    """
    name = model.spec.name
    if load is None:
        if name not in available():
            raise ValueError(
                f"ds.load knows no model {name!r}, only {', '.join(available())}; "
                "pass model='...', the expression that gives it"
            )
        load = f'ds.load("{name}")'
    lines = list(_Writer(model.spec).lines(blocks, prompt, seed))
    body = "\n".join(lines)
    return "\n".join([*_head(body), *_model(load, model.fingerprint()), *lines, ""])


def _head(body: str) -> Iterator[str]:
    """What stands on top: what this is, and the imports that the body needs."""
    threads = torch.get_num_threads()
    yield "# On a CPU these lines make the same frames again, bit for bit, given the same versions"
    yield f"# and number of threads: torch {torch.__version__}, {threads} threads."
    standard = [module for module in ("base64", "io") if f"{module}." in body]
    yield from (f"import {module}" for module in standard)
    if standard:
        yield ""
    if "np." in body:
        yield "import numpy as np"
        yield "from PIL import Image"
        yield ""
    yield "import dragstream as ds"
    parts = ("Constraint", "Focus", "Rectification")
    if needed := [part for part in parts if f"{part}(" in body]:
        yield f"from dragstream.method import {', '.join(needed)}"
    yield ""


def _model(load: str, fingerprint: str) -> Iterator[str]:
    yield f"model = {load}"
    yield f'if model.fingerprint() != "{fingerprint}":'
    yield '    raise ValueError("this video was made with other weights")'
    yield ""


class _Writer:
    """Writes the calls one after another; remembers what the stream would be like by then."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._prompt = ""

    def lines(self, blocks: Sequence[Block], prompt: str, seed: int) -> Iterator[str]:
        """The statements, in order."""
        _check(blocks)
        self._prompt = blocks[0].prompt if blocks else prompt
        picture = blocks[0].picture if blocks else None
        named: dict[str, Expression] = {"seed": str(seed)}
        if picture is not None:
            yield from _picture(picture)
            named["image"] = "picture"
        yield _statement("stream = ", Make.of("ds.Stream", "model", _quoted(self._prompt), **named))
        for run in _runs(blocks):
            yield from self._set(run[0].prompt)
            yield from self._run(run)
        yield from self._set(prompt)

    def _set(self, prompt: str) -> Iterator[str]:
        """The prompt of what follows."""
        if prompt != self._prompt:
            self._prompt = prompt
            yield f"stream.prompt = {_quoted(prompt)}"

    def _run(self, run: Sequence[Block]) -> Iterator[str]:
        """Blocks of one call, and the edits of the last of them."""
        first, *edits = (*run[-1].earlier, run[-1].call)
        if first.mode is Mode.STEP:
            yield "stream.step()" if len(run) == 1 else f"stream.run({len(run)}, progress=False)"
        elif first.mode is Mode.ANIMATE:
            named: dict[str, Expression] = {"blocks": str(first.part[1])}
            yield self._drag("animate", first, named if first.part[1] > 1 else {})
            if len(run) < first.part[1]:
                yield f"stream.rewind(to={run[-1].index + 1})"
        for edit in edits:
            yield self._drag("edit", edit, {})

    def _drag(self, call: str, made: Call, named: dict[str, Expression]) -> str:
        """A call with drags."""
        drags = Items(tuple(map(drag_expression, made.drags)))
        if made.keep is not None:
            named = named | {"keep": region_expression(as_shape(made.keep))}
        if made.settings is not None:
            settings = _settings(made.settings, self._spec)
            if settings != Make("ds.DragSettings.paper", ()):
                named = named | {"settings": settings}
        return _statement("", Make.of(f"stream.{call}", drags, **named))


def _check(blocks: Sequence[Block]) -> None:
    """Refuse blocks whose making is not known, as in archives of version 1."""
    for block in blocks:
        if block.mode is Mode.EDIT and not block.earlier:
            raise ValueError(
                f"block {block.index} was edited, and its archive does not tell how it was made "
                "before: save the stream anew from the session that made it"
            )
    if blocks and _origin(blocks[0]).mode is Mode.IMAGE and blocks[0].picture is None:
        raise ValueError("the archive of this stream does not hold the picture that it began with")


def _origin(block: Block) -> Call:
    """The call that made a block in the first place."""
    return (*block.earlier, block.call)[0]


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Blocks that one call can make, together: plain ones, or those of one animation."""
    run: list[Block] = []
    for block in blocks:
        if run and not _follows(run[-1], block):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _follows(before: Block, block: Block) -> bool:
    """Whether the call that made one block made the next one as well, or might have."""
    first, then = _origin(before), _origin(block)
    if before.earlier or before.prompt != block.prompt or first.mode is not then.mode:
        return False
    if first.mode is Mode.STEP:
        return not block.earlier
    return then.part[0] == first.part[0] + 1


def _picture(picture: NDArray[np.uint8]) -> Iterator[str]:
    """The picture that a stream begins with, as PNG in base 64: no other file is needed."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    data = textwrap.wrap(base64.b64encode(buffer.getvalue()).decode(), _LINE)
    yield 'png = """'
    yield from data
    yield '"""'
    yield "picture = np.array(Image.open(io.BytesIO(base64.b64decode(png))))"


def _settings(settings: DragSettings, spec: ModelSpec) -> Make:
    """Settings as they differ from one of the presets, whichever is nearer."""
    presets = {"paper": DragSettings.paper(), "released": DragSettings.released()}
    written = [
        Make(f"ds.DragSettings.{name}", tuple(_differences(settings, preset.resolve(spec))))
        for name, preset in presets.items()
    ]
    return min(written, key=lambda made: len(made.arguments))


def _differences(value: Any, other: Any) -> Iterator[tuple[str, Expression]]:
    """The fields of a dataclass that are not as in another one, as arguments."""
    for item in dataclasses.fields(value):
        own = getattr(value, item.name)
        if own != getattr(other, item.name):
            yield item.name, _value(own)


def _value(value: Any) -> Expression:
    """The value of a setting as source."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Make(type(value).__name__, tuple(_differences(value, type(value)())))
    if isinstance(value, tuple):
        inner = ", ".join(str(_value(item)) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float):
        return number(value)
    return repr(getattr(value, "value", value)).replace("'", '"')


def _statement(head: str, expression: Expression) -> str:
    return head + render(expression, taken=len(head))


def _quoted(text: str) -> str:
    """A string literal in double quotes where that is as plain."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain
