"""`Scene`: a drag of a released label or of a JSON document, for a given model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dragstream.drags.documents import from_json
from dragstream.drags.label_fitting import fit_label
from dragstream.drags.labels import Mode, is_label, load_json, read_label
from dragstream.drags.motions import Drag
from dragstream.drags.reading import located
from dragstream.drags.shapes import Shape
from dragstream.models.base import ModelSpec


@dataclass(frozen=True)
class Scene:
    """A past and the drags on its newest frame."""

    prompt: str
    block: int  # number of blocks before the drags
    edit: bool  # change the newest frame; else generate new blocks
    drags: Sequence[Drag]
    keep: Shape | None
    blocks: int  # that the drags last; 1 for an edit

    @classmethod
    def of_label(cls, file: Path, spec: ModelSpec, prompt: str | None = None) -> Scene:
        """The scene of a released label, fitted to the model's frames and blocks."""
        label = fit_label(read_label(file), spec.grid, spec.clock, spec.frames_per_block)
        edit = label.mode is Mode.EDIT
        text = prompt or label.prompt
        return cls(text, label.block, edit, label.drags, label.keep, label.blocks)

    @classmethod
    def of_document(
        cls, file: Path, prompt: str, *, at: int = 1, blocks: int = 1, edit: bool = False
    ) -> Scene:
        """The scene of a file that holds what `dragstream.drags.labels.to_json` gives."""
        with located(str(file)):
            drags, keep = from_json(load_json(file))
        return cls(prompt, at, edit, drags, keep, blocks)


def find_labels(place: Path) -> dict[str, Path]:
    """The JSON files of all labels below a folder, or of one file, by the name of their film."""
    if place.is_file():
        return {_film(place, place.parent): place}
    found = {_film(file, place): file for file in sorted(place.rglob("*.json")) if is_label(file)}
    if not found:
        raise ValueError(
            f"{place} holds no label: no block_<b>_<Drag or Animation>_trajectory.json in it or "
            "in the folders below"
        )
    return found


def _film(file: Path, top: Path) -> str:
    """The path of a label below `top` as one word, as in `orangutans-block_3_Animation`."""
    folders = file.parent.relative_to(top).parts or (top.resolve().name,)
    return "-".join((*folders, file.stem.removesuffix("_trajectory")))
