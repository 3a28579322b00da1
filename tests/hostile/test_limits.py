"""The numbers of `docs/security.md` are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragstream.drags import (
    checks,
    documents,
    labels,
    mask_files,
    movebench,
    picture_files,
    track_files,
    tracks,
)
from dragstream.models import config_files
from dragstream.revel import case_folders, cases
from dragstream.stream import archive_blocks, archive_members
from dragstream.widgets import messages

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
NUMBERS = {
    **{name: most for name, most in archive_blocks.LIMITS.items() if "milliseconds" not in name},
    "a record": archive_members.JSON_LIMIT,
    "text": checks.LONGEST_MESSAGE,
    "document, drags": documents.MOST_DRAGS,
    "document, regions": documents.MOST_REGIONS,
    "document, points": documents.MOST_POINTS_IN_ALL,
    "document, pixels": documents.MOST_PIXELS,
    "list of points": documents.MOST_POINTS,
    "combination": documents.MOST_PARTS,
    "mask": mask_files.MOST_PIXELS,
    "masks": mask_files.MOST_PIXELS_IN_ALL,
    "label, targets": labels.MOST_TARGETS,
    "label, trajectories": labels.MOST_TRAJECTORIES,
    "tracks, bytes": track_files.LARGEST_FILE,
    "tracks, bytes of JSON": track_files.LARGEST_JSON,
    "tracks, coordinates": tracks.MOST_NUMBERS,
    "tracks, discs": tracks.MOST_DISCS,
    "tracks, coordinates of a folder": movebench.MOST_NUMBERS,
    "picture": picture_files.MOST_PIXELS,
    "case": case_folders.LARGEST_JSON,
    **{f"cases, {name}": most for name, most in cases.LIMITS.items()},
    "config": config_files.MOST_BYTES,
    "config, number": config_files.LARGEST_SIZE,
    "page, steps": messages.MOST_STEPS,
    "page, points": messages.MOST_POINTS,
    "page, pixels": messages.MOST_PIXELS,
    "page, values": messages.MOST_VALUES,
    "page, containers": messages.MOST_CONTAINERS,
    **{
        f"config, {name}": config_files.LARGEST[name]
        for name in ("num_layers", "num_heads", "d_ff")
    },
}


@pytest.mark.parametrize("name", NUMBERS)
def test_limits_are_said_as_they_are(name):
    assert f"{NUMBERS[name]:,}" in PAGE


def test_the_page_names_each_file_of_this_folder():
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.name != Path(__file__).name:
            assert f"tests/hostile/{path.name}" in PAGE
