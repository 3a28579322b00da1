"""A case: a past that can be made again, and a drag that is asked of it. Plain values with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import whole
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Shape
from dragstream.models.playground import world
from dragstream.stream.noise import generator
from dragstream.stream.records import Mode

__all__ = ["VERSION", "Case", "Kind", "Start", "Subject"]

VERSION = 1


class Kind(Enum):
    """What a drag does to its object (Appendix J)."""

    TRANSLATION = "translation"
    DEFORMATION = "deformation"
    ROTATION = "rotation"
    TURN = "turn"
    """A part of the object, such as its face, is moved, and the object turns in depth: 3D."""


@dataclass(frozen=True)
class Start:
    """A rendered first frame of the playground, by the numbers that it is drawn from.

    Args:
        seed: of the benchmark.
        scene: number of the scene, from 0.
        attempt: which draw for that scene, from 0; earlier ones did not suit its drag.
    """

    seed: int
    scene: int
    attempt: int

    def __post_init__(self) -> None:
        for name in ("seed", "scene", "attempt"):
            object.__setattr__(self, name, whole(getattr(self, name), name, least=0))

    def scenes(self) -> world.Scenes:
        """The scene and its truth: a batch of one, one frame long.

        Training draws from generators with plain seeds; this one's is a digest of its name, so
        these scenes are held out.
        """
        source = generator(self.seed, "revel", self.scene, self.attempt)
        return world.sample_scenes(source, 1, 1)

    def image(self) -> NDArray[np.uint8]:
        """The frame, uint8 (H, W, 3)."""
        frame: NDArray[np.uint8] = world.render(self.scenes())[0, 0]
        return frame


@dataclass(frozen=True)
class Subject:
    """The object of the playground that a drag moves, so that it can be found by its colour.

    Raises:
        ValueError: a kind or colour that the playground lacks.
    """

    kind: str
    color: str

    def __post_init__(self) -> None:
        if self.kind not in world.KINDS:
            raise ValueError(f"kind must be one of {world.KINDS}, got {self.kind!r}")
        if self.color not in world.COLORS:
            raise ValueError(f"color must be one of {tuple(world.COLORS)}, got {self.color!r}")


@dataclass(frozen=True)
class Case:
    """Something to drag.

    Args:
        name: unique within a set of cases.
        model: name of the model whose stream the drags were drawn on.
        prompt: the stream's caption.
        seed: the stream's seed.
        block: how many blocks the stream has when the drag is asked for (an image start is the
            first of them); the drag is drawn on the newest frame.
        drags: what to move.
        mode: `Mode.EDIT` or `Mode.ANIMATE`.
        kind: under what the case is counted.
        keep: the non-editable region, or None.
        blocks: how many blocks an animation takes.
        start: the frame that the stream starts from; None: from the caption.
        subject: what the drag moves, where the world's own truth can follow it.

    Raises:
        ValueError: another mode, no drags, or numbers out of range.
    """

    name: str
    model: str
    prompt: str
    seed: int
    block: int
    drags: tuple[Drag, ...]
    mode: Mode
    kind: Kind
    keep: Shape | None = None
    blocks: int = 1
    start: Start | None = None
    subject: Subject | None = None

    def __post_init__(self) -> None:
        if self.mode not in (Mode.EDIT, Mode.ANIMATE):
            raise ValueError(f"mode must be Mode.EDIT or Mode.ANIMATE, got {self.mode!r}")
        if not self.drags:
            raise ValueError(f"case {self.name!r} has no drags")
        whole(self.block, "block", least=1)
        whole(self.blocks, "blocks", least=1)

    def to_json(self) -> dict[str, Any]:
        """A document of dicts, lists, strings and numbers."""
        document: dict[str, Any] = {
            "version": VERSION,
            "name": self.name,
            "model": self.model,
            "prompt": self.prompt,
            "seed": self.seed,
            "block": self.block,
            "mode": self.mode.value,
            "kind": self.kind.value,
            "blocks": self.blocks,
            "drags": to_json(self.drags, self.keep),
            "start": None,
            "subject": None,
        }
        if self.start is not None:
            start = self.start
            document["start"] = {
                "seed": start.seed,
                "scene": start.scene,
                "attempt": start.attempt,
            }
        if self.subject is not None:
            document["subject"] = {"kind": self.subject.kind, "color": self.subject.color}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Case:
        """The inverse of `to_json`.

        Raises:
            ValueError: another version, missing or unknown fields, or values out of range; the
                message names which.
        """
        fields = dict(document)
        version = fields.pop("version", None)
        if version != VERSION:
            raise ValueError(f"cases have version {VERSION}, got {version!r}")
        known = set(cls.__dataclass_fields__) - {"keep"}
        if set(fields) != known:
            raise ValueError(
                f"a case has the fields {sorted(known)}; missing {sorted(known - set(fields))}, "
                f"unknown {sorted(set(fields) - known)}"
            )
        drags, keep = from_json(fields.pop("drags"))
        try:
            start, subject = fields.pop("start"), fields.pop("subject")
            return cls(
                **{
                    **fields,
                    "drags": tuple(drags),
                    "keep": keep,
                    "mode": Mode(fields["mode"]),
                    "kind": Kind(fields["kind"]),
                    "start": None if start is None else Start(**start),
                    "subject": None if subject is None else Subject(**subject),
                }
            )
        except TypeError as error:
            raise ValueError(f"damaged case {fields.get('name')!r}: {error}") from error
