"""A case of the benchmark: a reproducible past and the drags that follow it, stored as JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import at_least, check_choice, check_fields, check_int, short_repr
from dragstream.drags.documents import DocumentReader, to_json
from dragstream.drags.motions import Camera, Drag
from dragstream.drags.reading import Budget, located, read_fields
from dragstream.drags.shapes import Shape
from dragstream.method.base import DragMethod
from dragstream.method.documents import method_from_json
from dragstream.models.playground import world
from dragstream.stream.noise import generator
from dragstream.stream.records import Mode

MOST_PIXELS = 2**24
"""Most pixels of a picture."""
LIMITS = {"drags": 2**17, "regions": 2**18, "points": 2**22, "pixels": 2**30}
"""Limits for all cases of a file or folder together, as of a document; equal masks count once."""


@dataclass(frozen=True)
class RenderedStart:
    """A rendered first frame of the playground, identified by the numbers that seed it."""

    seed: int  # seed of the benchmark
    scene: int  # number of the scene, from 0
    attempt: int  # number of the attempt at the scene, from 0

    def __post_init__(self) -> None:
        check_fields(self, seed=at_least(0), scene=at_least(0), attempt=at_least(0))

    def scenes(self) -> world.Scenes:
        """The scene with its ground truth: a batch of one, one frame long.

        Scenes are held out: training seeds its generators with plain integers, this one is seeded
        with a digest of names and numbers.
        """
        return self._sampled(1)

    def film(self, frames: int) -> NDArray[np.uint8]:
        """Render the scene with its own motion: uint8 (frames, H, W, 3)."""
        video: NDArray[np.uint8] = world.render(self._sampled(frames))[0]
        return video

    def _sampled(self, frames: int) -> world.Scenes:
        source = generator(self.seed, "revel", self.scene, self.attempt)
        return world.sample_scenes(source, 1, frames)

    def image(self) -> NDArray[np.uint8]:
        """The frame, uint8 (H, W, 3)."""
        frame: NDArray[np.uint8] = world.render(self.scenes())[0, 0]
        return frame


@dataclass(frozen=True)
class ImageStart:
    """A first frame, stored as PNG; a damaged or too large one raises ValueError."""

    png: bytes

    def __post_init__(self) -> None:
        self.image()

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> ImageStart:
        """Store a picture, uint8 (H, W, 3)."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"a picture must be uint8 (H, W, 3), got {image.dtype} {tuple(image.shape)}"
            )
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="PNG", optimize=True)
        return cls(buffer.getvalue())

    def image(self) -> NDArray[np.uint8]:
        """The frame, uint8 (H, W, 3)."""
        broken = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
        damaged = located("the picture that a case starts from is damaged", *broken)
        with damaged, Image.open(io.BytesIO(self.png), formats=("PNG",)) as image:
            size = image.width * image.height
            if size > MOST_PIXELS:
                raise ValueError(f"a picture may have {MOST_PIXELS} pixels, got one with {size}")
            return np.asarray(image.convert("RGB"))


def _plain(value: Any) -> Any:
    """A field of a case in a document of dicts, lists, strings and numbers."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, ImageStart):
        return {"png": base64.b64encode(value.png).decode("ascii")}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def start_from_json(document: object) -> RenderedStart | ImageStart | None:
    """The start of a case's document; None for a stream that starts from its caption."""
    if document is None:
        return None
    if isinstance(document, Mapping) and set(document) == {"png"}:
        with located("start.png"):  # an error of base64 is a ValueError
            return ImageStart(base64.b64decode(document["png"], validate=True))
    if isinstance(document, Mapping) and set(document) == {"seed", "scene", "attempt"}:
        return RenderedStart(**document)
    raise ValueError(
        f"a start has either seed, scene and attempt, or png, got {short_repr(document)}"
    )


VERSION = 2


class Kind(Enum):
    """The kind of a drag (Appendix J)."""

    TRANSLATION = "translation"
    DEFORMATION = "deformation"
    ROTATION = "rotation"
    SCALE = "scale"
    TURN = "turn"
    """A part of the object, such as its face, is moved, and the object turns in depth: 3D."""
    PAN = "pan"
    ZOOM = "zoom"
    PAN_SCENE = "pan-scene"
    """The camera pans, and an object is moved in the scene."""
    PAN_FRAME = "pan-frame"
    """The camera pans, and an object is moved to a place in the frame."""


PLANNED = (Kind.TRANSLATION, Kind.DEFORMATION, Kind.ROTATION, Kind.TURN)
"""The kinds in the suites; other kinds must be named."""

CAMERA = (Kind.PAN, Kind.ZOOM, Kind.PAN_SCENE, Kind.PAN_FRAME)
"""The kinds of cases in which the camera moves."""


@dataclass(frozen=True)
class Subject:
    """The object of the playground that a drag moves; it is detected by its colour."""

    kind: str
    color: str

    def __post_init__(self) -> None:
        check_choice(self.kind, world.KINDS, "kind")
        check_choice(self.color, world.COLORS, "color")


@dataclass(frozen=True)
class PastDrag:
    """A drag in the past of a case."""

    block: int  # number of blocks of the stream when the drag was requested
    mode: Mode
    drags: tuple[Drag, ...]
    keep: Shape | None = None  # the non-editable region
    blocks: int = 1  # of an animation
    kept: int | None = None  # blocks of the animation left after a rewind; None: all
    settings: DragMethod | None = None  # None: `DragSettings()`

    def __post_init__(self) -> None:
        _check_call("an earlier drag", self.mode, self.drags)
        check_int(self.block, "block", least=1)
        check_int(self.blocks, "blocks", least=1)
        if self.kept is not None and not 1 <= check_int(self.kept, "kept", least=1) <= self.blocks:
            raise ValueError(f"kept must be at most {self.blocks} block(s), got {self.kept}")

    @property
    def reaches(self) -> int:
        """Number of blocks of the stream afterwards."""
        if self.mode is Mode.EDIT:
            return self.block
        return self.block + (self.blocks if self.kept is None else self.kept)

    def to_json(self) -> dict[str, Any]:
        """A document of dicts, lists, strings and numbers."""
        names = ("block", "mode", "drags", "blocks", "kept", "settings")
        return _document(self, names)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], reader: DocumentReader) -> PastDrag:
        """The inverse of `to_json`."""
        values = dict(read_fields(document, "an earlier drag", _names(cls)))
        values["drags"], values["keep"] = _drags(values["drags"], reader)
        if values["settings"] is not None:
            values["settings"] = method_from_json(values["settings"])
        return cls(**{**values, "mode": Mode(values["mode"])})


@dataclass(frozen=True)
class Case:
    """A past, and drags on its newest frame.

    Args:
        name: unique within a set of cases.
        model: name of the model whose stream the drags were drawn on.
        prompt: the stream's first caption.
        seed: the stream's seed.
        block: number of blocks of the stream at the drag's request (an image start is the
            first of them); the drag is drawn on the newest frame.
        drags: the handles and motions.
        mode: `Mode.EDIT` or `Mode.ANIMATE`.
        kind: the kind that the case counts under.
        keep: the non-editable region, or None.
        blocks: number of blocks of an animation.
        start: the frame that the stream starts from; None: from the caption.
        subjects: the object that each drag moves, where a detector can follow it; empty or one
            for each drag. With a camera, all objects of the scene.
        kinds: the kind of each drag, or subject of a camera; empty: all of them `kind`.
        past: drags that the stream went through before, in order.
        prompts: later captions, each with the number of the block that it begins with.
        tags: more groups that the case counts under, such as "occlusion".

    Raises:
        ValueError: another mode, no drags, a past after the case, or numbers out of range.
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
    start: RenderedStart | ImageStart | None = None
    subjects: tuple[Subject, ...] = ()
    kinds: tuple[Kind, ...] = ()
    past: tuple[PastDrag, ...] = ()
    prompts: tuple[tuple[int, str], ...] = ()
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_call(f"case {self.name!r}", self.mode, self.drags)
        check_int(self.block, "block", least=1)
        check_int(self.blocks, "blocks", least=1)
        count = len(self.drags) if self.camera is None else len(self.subjects)
        if not self.kinds:
            object.__setattr__(self, "kinds", (self.kind,) * count)
        for name in ("subjects", "kinds"):
            values = getattr(self, name)
            if values and len(values) != count:
                raise ValueError(
                    f"case {self.name!r} has {count} drag(s), but {len(values)} {name}"
                )
        self._check_past()

    @property
    def camera(self) -> Camera | None:
        """The movement of the camera, if the first drag is one and the case is of such a kind."""
        motion = self.drags[0].motion
        return motion if self.kind in CAMERA and isinstance(motion, Camera) else None

    def _check_past(self) -> None:
        reached = 0
        for drag in self.past:
            if drag.block < reached or drag.reaches > self.block:
                raise ValueError(
                    f"case {self.name!r}: an earlier drag at block {drag.block} does not lie "
                    f"between blocks {reached} and {self.block}"
                )
            reached = drag.reaches
        places = [place for place, _ in self.prompts]
        if any(b <= a for a, b in pairwise([0, *places, self.block + self.blocks])):
            raise ValueError(
                f"case {self.name!r}: later captions must begin at rising blocks from 1 on, "
                f"got {places}"
            )

    def to_json(self) -> dict[str, Any]:
        """A document of dicts, lists, strings and numbers."""
        names = ("name", "model", "prompt", "seed", "block", "mode", "kind", "blocks", "drags")
        more = ("start", "subjects", "kinds", "past", "prompts", "tags")
        return {"version": VERSION} | _document(self, (*names, *more))

    @classmethod
    def from_json(cls, document: Mapping[str, Any], reader: DocumentReader | None = None) -> Case:
        """The inverse of `to_json`; cases of one file or folder share a reader, and its budget."""
        reader = reader or case_reader()
        if not isinstance(document, Mapping):
            raise ValueError(f"a case must be an object, got {short_repr(document)}")  # noqa: TRY004
        values = dict(document)
        version = values.pop("version", None)
        if version != VERSION:
            raise ValueError(f"cases have version {VERSION}, got {version!r}")
        read_fields(values, "a case", _names(cls))
        with located(f"damaged case {values.get('name')!r}", TypeError):
            values["drags"], values["keep"] = _drags(values["drags"], reader)
            values["mode"], values["kind"] = Mode(values["mode"]), Kind(values["kind"])
            values["start"] = start_from_json(values["start"])
            values["subjects"] = tuple(Subject(**each) for each in values["subjects"])
            values["kinds"] = tuple(Kind(each) for each in values["kinds"])
            values["past"] = tuple(PastDrag.from_json(each, reader) for each in values["past"])
            values["prompts"] = tuple((block, str(text)) for block, text in values["prompts"])
            values["tags"] = tuple(str(tag) for tag in values["tags"])
            return cls(**values)


def _check_call(what: str, mode: Mode, drags: tuple[Drag, ...]) -> None:
    if mode not in (Mode.EDIT, Mode.ANIMATE):
        raise ValueError(f"mode must be Mode.EDIT or Mode.ANIMATE, got {mode!r}")
    if not drags:
        raise ValueError(f"{what} has no drags")


def _document(value: Case | PastDrag, names: Sequence[str]) -> dict[str, Any]:
    """Fields by name; the region to keep is stored with the drags."""
    found = {name: _plain(getattr(value, name)) for name in names if name != "drags"}
    drags = to_json(value.drags, value.keep)
    return {name: drags if name == "drags" else found[name] for name in names}


def _names(kind: type[PastDrag | Case]) -> tuple[str, ...]:
    """The fields of a document, where the region to keep is stored with the drags."""
    return tuple(field.name for field in fields(kind) if field.name != "keep")


def case_reader() -> DocumentReader:
    """A reader of drags with the budget of a file or folder of cases."""
    return DocumentReader(budget=Budget(**LIMITS))


def _drags(document: Any, reader: DocumentReader) -> tuple[tuple[Drag, ...], Shape | None]:
    drags, keep = reader.read(document)
    return tuple(drags), keep
