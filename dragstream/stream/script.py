"""A stream as Python source: the calls that generate it again, bit for bit on a CPU.

Only the calls of present blocks are written, those before an edit included, and no rewound blocks.
An animation of which some blocks were rewound is generated as a whole, since its length affects
each of its blocks, and rewound again.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dragstream import method as methods
from dragstream.drags.expressions import (
    Expression,
    Make,
    differences,
    drag_expression,
    quoted,
    region_expression,
    render,
)
from dragstream.drags.motions.combined import parts_of
from dragstream.drags.shapes import as_shape
from dragstream.method.base import DragMethod
from dragstream.method.settings import DragSettings
from dragstream.models import available
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.stream.records import Block, Call, Mode

_LINE = 96
"""Characters of a picture's data in one line."""
_PIXELS = "np.array(Image.open(io.BytesIO(base64.b64decode(png))))"
"""Source that decodes the output of `_png`."""


def script(
    model: VideoModel,
    *,
    blocks: Sequence[Block],
    prompt: str,
    seed: int,
    prediction_blocks: int,
    load: str | None,
) -> str:
    """The source that generates a stream of these blocks again."""
    name = model.spec.name
    if load is None:
        if name not in available():
            raise ValueError(
                f"ds.load has no model {name!r}, only {', '.join(available())}; "
                "pass model='...', the expression that gives it"
            )
        load = f'ds.load("{name}")'
    lines = list(_calls(blocks, prompt, seed, prediction_blocks, model.spec))
    head = _head("\n".join(lines), _classes(blocks))
    return "\n".join([*head, *_model(load, model.fingerprint()), *lines, ""])


def _head(body: str, classes: Mapping[str, str]) -> Iterator[str]:
    """The head of the script: a comment, and the imports that the body needs.

    ``classes`` maps class and function names that the body may use to their modules.
    """
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
    used = {name: home for name, home in classes.items() if re.search(rf"(?<![\w.]){name}\b", body)}
    for home in sorted(set(used.values())):
        names = ", ".join(sorted(name for name in used if used[name] == home))
        if home == "__main__":
            yield f"# {names}: to be defined here, as in the session that made this"
        else:
            yield f"from {home} import {names}"
    yield ""


def _classes(blocks: Sequence[Block]) -> dict[str, str]:
    """Name and module of all motions, methods and their parts in some blocks."""
    found: dict[str, str] = {}
    for call in (call for block in blocks for call in block.calls):
        method: Any = call.settings
        parts: list[Any] = [part for drag in call.drags for part in parts_of(drag.motion)]
        if method is not None:
            fields = dataclasses.fields(method)
            parts += [method, *(getattr(method, field.name) for field in fields)]
        for part in parts:
            if dataclasses.is_dataclass(part) or isinstance(part, FunctionType):
                kind: Any = part if isinstance(part, FunctionType) else type(part)
                ours = getattr(methods, kind.__name__, None) is kind
                found[kind.__name__] = methods.__name__ if ours else kind.__module__
    return found


def _model(load: str, fingerprint: str) -> Iterator[str]:
    yield f"model = {load}"
    yield f'if model.fingerprint() != "{fingerprint}":'
    yield '    raise ValueError("this video was made with other weights")'
    yield ""


def _calls(
    blocks: Sequence[Block], prompt: str, seed: int, prediction_blocks: int, spec: ModelSpec
) -> Iterator[str]:
    """The statements that generate the blocks, in order; ``prompt`` is that of the next block."""
    _check(blocks)
    current = blocks[0].prompt if blocks else prompt
    named: dict[str, Expression] = {"seed": str(seed)}
    if blocks and blocks[0].picture is not None:
        yield from _picture(blocks[0].picture)
        named["image"] = "picture"
    if blocks and blocks[0].footage is not None:
        yield from _footage(blocks[0].footage)
        named["video"] = "footage"
    if prediction_blocks:
        named["prediction_blocks"] = str(prediction_blocks)
    yield _statement("stream = ", Make.of("ds.Stream", "model", quoted(current), **named))
    for run in _runs(blocks):
        if run[0].prompt != current:
            current = run[0].prompt
            yield f"stream.prompt = {quoted(current)}"
        yield from _run(run, spec)
    if prompt != current:
        yield f"stream.prompt = {quoted(prompt)}"


def _run(run: Sequence[Block], spec: ModelSpec) -> Iterator[str]:
    """The call that made some blocks, and the edits of the last of them."""
    first, *edits = run[-1].calls
    if first.mode is Mode.STEP:
        yield "stream.step()" if len(run) == 1 else f"stream.run({len(run)}, progress=False)"
    elif first.mode is Mode.ANIMATE:
        named: dict[str, Expression] = {"blocks": str(first.part[1])}
        yield _drag("animate", first, named if first.part[1] > 1 else {}, spec)
        if len(run) < first.part[1]:
            yield f"stream.rewind(to={run[-1].index + 1})"
    for edit in edits:
        yield _drag(edit.mode.value, edit, {}, spec)


def _drag(name: str, call: Call, named: dict[str, Expression], spec: ModelSpec) -> str:
    """The statement of a call with drags."""
    drags = tuple(map(drag_expression, call.drags))
    if call.keep is not None:
        named = named | {"keep": region_expression(as_shape(call.keep))}
    if call.settings is not None:
        settings = _settings(call.settings, spec)
        if settings != Make("ds.DragSettings", ()):
            named = named | {"settings": settings}
    return _statement("", Make.of(f"stream.{name}", drags, **named))


def _check(blocks: Sequence[Block]) -> None:
    """Refuse blocks from an early archive, which lacks the picture."""
    if blocks and blocks[0].given and blocks[0].picture is None is blocks[0].footage:
        raise ValueError(
            "the archive does not hold the picture or video that the stream was started from"
        )


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Groups of blocks that one call can make: plain ones, or those of one animation."""
    run: list[Block] = []
    for block in blocks:
        if run and not _follows(run[-1], block):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _follows(before: Block, block: Block) -> bool:
    """True if one call can make both of two successive blocks."""
    first, then = before.calls[0], block.calls[0]
    if before.earlier or before.prompt != block.prompt or first.mode is not then.mode:
        return False
    if first.mode is Mode.STEP:
        return not block.earlier
    return then.part[0] == first.part[0] + 1


def _picture(picture: NDArray[np.uint8]) -> Iterator[str]:
    """Statements that define the picture that the stream starts from, inline as PNG."""
    yield 'png = """'
    yield from _png(picture)
    yield '"""'
    yield f"picture = {_PIXELS}"


def _footage(footage: NDArray[np.uint8]) -> Iterator[str]:
    """Statements that define the video that the stream starts from: a PNG for each frame."""
    yield 'pngs = """'
    for index, frame in enumerate(footage):
        yield from [""] * (index > 0)
        yield from _png(frame)
    yield '"""'
    yield "footage = np.stack("
    yield f'    [{_PIXELS} for png in pngs.split("\\n\\n")]'
    yield ")"


def _png(picture: NDArray[np.uint8]) -> list[str]:
    """A picture (H, W, 3) as PNG, in lines of base 64."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return textwrap.wrap(base64.b64encode(buffer.getvalue()).decode(), _LINE)


def _settings(settings: DragMethod, spec: ModelSpec) -> Make:
    """Settings as differences from the nearest preset."""
    if not isinstance(settings, DragSettings):
        kind: Any = type(settings)
        return Make(kind.__name__, tuple(differences(settings, kind().resolve(spec))))
    name, preset = settings.nearest_preset(spec)
    return Make(f"ds.DragSettings{name}", tuple(differences(settings, preset)))


def _statement(head: str, expression: Expression) -> str:
    return head + render(expression, taken=len(head))
