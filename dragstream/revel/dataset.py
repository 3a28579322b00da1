"""Export of cases as a data set: `write_dataset`, `check_dataset`.

```
README.md               the card
LICENSE                 of the cases
dataset.json            format, version, suite, model, weights, seed, number of cases of each part
SHA256SUMS              of every file but the card, as `sha256sum --check` reads it
public/NAME/...         the cases, see `case_folders`
held-out/NAME/...       the held-out cases
```

The card ends with the checksum of SHA256SUMS: one number for the whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.checks import short_repr
from dragstream.drags.files import expanded, replacing
from dragstream.drags.reading import located
from dragstream.models.base import VideoModel
from dragstream.revel.case_folders import (
    CASE,
    case_files,
    command_folders,
    file_name,
    read_command,
    read_document,
)
from dragstream.revel.cases import Case, case_reader
from dragstream.revel.pages import escaped, table_lines
from dragstream.revel.preparation import VideoCommand, prepare, prepare_on
from dragstream.revel.sampling import SEED, sample_case
from dragstream.revel.suites import CaseSpec, Split

FORMAT = 1
ABOUT = "dataset.json"
SUMS = "SHA256SUMS"
_LARGEST = 2**28  # bytes of a file of checksums or of dataset.json


@dataclass(frozen=True)
class Dataset:
    """A data set that was read and whose checksums hold."""

    about: Mapping[str, Any]  # the contents of `dataset.json`
    commands: tuple[VideoCommand, ...]  # the cases, by part and name
    checksum: str  # SHA-256 of the file of checksums


def write_dataset(
    folder: str | Path,
    items: Iterable[Case | CaseSpec],
    model: VideoModel,
    *,
    suite: str,
    license: str = "Apache-2.0",  # noqa: A002 - the word that data sets use
    seed: int = SEED,
    progress: bool = True,
) -> Path:
    """Write cases, with the frames that they lie on, to a folder; returns its path.

    Cases that the folder already holds are kept, so a stopped call is continued by the same call.

    Args:
        folder: made if it does not exist.
        items: cases, or specs to draw them for.
        model: the model that makes their past.
        suite: name of the suite, for the card.
        license: SPDX name of the licence of the cases; those of this package's suites are
            Apache-2.0, as it is.
        seed: seed of the draws of specs.
        progress: show a progress bar.

    Raises:
        ValueError: a folder that holds another data set, or something else.
    """
    place = expanded(folder, "folder")
    chosen = list(items)
    about = {
        "format": FORMAT,
        "version": version("dragstream"),
        "suite": suite,
        "model": model.spec.name,
        "fingerprint": model.fingerprint(),
        "seed": seed,
        "license": license,
        "cases": dict(sorted(Counter(_split(item) for item in chosen).items())),
    }
    _begin(place, about)
    for item in tqdm(chosen, unit="case", disable=not progress):
        target = place / _split(item) / file_name(item.name)
        if not (target / CASE).is_file():
            _write_case(target, item, model, seed)
    _finish(place, about)
    return place


def _split(item: Case | CaseSpec) -> str:
    """The part of a case; cases without a split are public."""
    return item.split.value if isinstance(item, CaseSpec) else Split.PUBLIC.value


def _begin(place: Path, about: dict[str, Any]) -> None:
    known = place / ABOUT
    if known.is_file():
        if read_document(known, FORMAT, "a data set") != about:
            raise ValueError(f"{str(place)!r} holds another data set; use another folder")
    elif place.exists() and any(place.iterdir()):
        raise ValueError(f"{str(place)!r} holds something else; use another folder")
    place.mkdir(parents=True, exist_ok=True)
    _write(known, json.dumps(about, indent=2) + "\n")


def _write_case(target: Path, item: Case | CaseSpec, model: VideoModel, seed: int) -> None:
    if isinstance(item, CaseSpec):
        prepared = prepare_on(*sample_case(model, item, seed))
    else:
        prepared = prepare(model, item)
    files = case_files(replace(prepared.command, split=_split(item)), prepared.before)
    shutil.rmtree(target, ignore_errors=True)  # what a stopped call began
    target.mkdir(parents=True)
    for name in sorted(files, key=lambda name: name == CASE):  # last: then the case is whole
        (target / name).write_bytes(files[name])


def _finish(place: Path, about: Mapping[str, Any]) -> None:
    """Write licence, checksums and card."""
    _write(place / "LICENSE", notice(str(about["license"])))
    reader = case_reader()
    commands = [read_command(folder / CASE, reader) for folder in command_folders(place)]
    files = sorted(
        file.relative_to(place).as_posix()
        for file in place.rglob("*")
        if file.is_file() and file.relative_to(place).as_posix() not in {CARD, SUMS}
    )
    lines = "".join(f"{_digest(place / name)}  {name}\n" for name in files)
    _write(place / SUMS, lines)
    _write(place / CARD, card(about, commands, _digest(place / SUMS)))


def _write(file: Path, text: str) -> None:
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_dataset(folder: str | Path) -> Dataset:
    """Read a data set and compare every file with its checksum.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a file was changed, is damaged or is not listed, or the numbers of cases differ
            from `dataset.json`; the message names it.
    """
    place = expanded(folder, "folder")
    sums = place / SUMS
    about = read_document(place / ABOUT, FORMAT, "a data set")
    if not sums.is_file():
        raise FileNotFoundError(f"there is no file {str(sums)!r}")
    if sums.stat().st_size > _LARGEST:
        raise ValueError(f"{sums}: at most {_LARGEST} bytes are read")
    listed = _listed(sums)
    for name, digest in listed.items():
        file = place / name
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {str(file)!r}, which {SUMS} lists")
        if _digest(file) != digest:
            raise ValueError(f"{file}: another checksum than in {SUMS}: it was changed")
    commands, reader = [], case_reader()
    for part in command_folders(place):
        name = (part / CASE).relative_to(place).as_posix()
        if name not in listed:
            raise ValueError(f"{part / CASE}: not listed in {SUMS}")
        commands.append(read_command(part / CASE, reader))
    found = dict(Counter(each.split for each in commands))
    if found != about.get("cases"):
        raise ValueError(f"{place / ABOUT}: cases are {about.get('cases')}, but {found} were found")
    return Dataset(about, tuple(commands), _digest(sums))


def _listed(file: Path) -> dict[str, str]:
    """Checksums by file name, all inside the folder."""
    found = {}
    with located(f"{file}: text in UTF-8 is expected", UnicodeDecodeError):
        lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        digest, gap, name = line.partition("  ")
        path = PurePosixPath(name)
        if len(digest) != 64 or not gap or not name or path.is_absolute() or ".." in path.parts:
            raise ValueError(
                f"{file}, line {number}: a checksum and a name are expected, got {short_repr(line)}"
            )
        found[name] = digest
    return found


CARD = "README.md"

_PARTS = {
    Split.PUBLIC.value: "to develop with",
    Split.HELD_OUT.value: "held out: choose no method, setting or weight by it",
}
_CARD = """\
---
license: {spdx}
task_categories: [image-to-video]
tags: [motion-control, drag, video-generation, interactive]
---

# REVEL: drags on streamed video

{total} case(s) with {drags} drag(s): a frame of a video that a model generates, regions in it, and
where they should go, frame by frame. Translations, deformations, rotations and turns in depth, in
new frames (animation) and in the frame itself (editing).

## How it was made

Suite {suite}, seed {seed}, version {version} of DragStream. The pasts were generated by {model}
(weights {weights}); on the newest generated frame the drags were drawn at random where they are
possible: objects are whole, and a moved object stays in the frame (except for re-entry) and off
the others (except for occlusion). No person labelled anything, and the pictures show no real place
or person. The same weights and seed give the same cases: `python -m dragstream.revel export`.

What it cannot show: a method is scored from the given frame on, whatever it would have generated
before; and a small rendered world is easier than real video.

## Parts

{parts}

{kinds}

{held}

## How to score

Make a video of each case with any method. Frame 0 shows `first_frame.png`; the handles
(`mask_0.png`, ...) should be at `tracks.npz` in the frames that `case.json` lists under `at`; the
region in `keep.png` should not change. An edit is a video of two frames, before and after. Save it
as `METHOD.mp4` in the case's folder, or all of a method as `FOLDER/NAME.mp4`, and run

```
pip install "dragstream[metrics]"
python -m dragstream.revel score PATH
python -m dragstream.revel score PATH --videos METHOD=FOLDER --videos OTHER=FOLDER2
```

It prints ObjMC, the mean distance in pixels between where an object is and where the drag puts it,
as a mean over cases with a bootstrap interval. Where too little of an object could be followed
there is no figure, and the table says in how many cases that was so.

## Files

A folder a case: `case.json` (everything), and for programs that read no drags `first_frame.png`,
`tracks.npz` (`tracks` (T, N, 2) in pixels, `visibility` (T, N)), `mask_0.png`, ..., `keep.png`.
`python -m dragstream.revel verify PATH` compares every file with its checksum and reads every case;
`sha256sum --check SHA256SUMS` does the first without this package.

Licence: {license}. SHA-256 of SHA256SUMS: `{checksum}`.
"""


def notice(license_name: str) -> str:
    """The text of the file `LICENSE`."""
    text = f"SPDX-License-Identifier: {license_name}\n"
    if license_name == "Apache-2.0":
        text += (
            "\nThe cases in this folder are licensed under the Apache License, Version 2.0; a copy "
            "is at\nhttps://www.apache.org/licenses/LICENSE-2.0\n"
        )
    return text


def card(about: Mapping[str, Any], commands: Sequence[VideoCommand], checksum: str) -> str:
    """The card in Markdown, with the front matter that data hubs read."""
    cases: Mapping[str, int] = about["cases"]
    held = cases.get(Split.HELD_OUT.value, 0)
    rows = [(escaped(part), _PARTS.get(part, ""), str(count)) for part, count in cases.items()]
    return _CARD.format(
        spdx=str(about["license"]).lower(),
        total=len(commands),
        drags=sum(len(each.drags) for each in commands),
        suite=escaped(str(about["suite"])),
        seed=about["seed"],
        version=escaped(str(about["version"])),
        model=escaped(str(about["model"])),
        weights=escaped(str(about["fingerprint"])[:12]),
        parts="\n".join(table_lines(("part", "use", "cases"), rows)),
        kinds="\n".join(table_lines(("kind of case", "cases"), _kinds(commands))),
        held=f"Report the {held} held-out case(s) alone." if held else "Nothing is held out.",
        license=escaped(str(about["license"])),
        checksum=checksum,
    )


def _kinds(commands: Sequence[VideoCommand]) -> list[tuple[str, str]]:
    found: Counter[str] = Counter()
    for command in commands:
        case = command.case
        if case is not None:
            found.update({case.mode.value, case.kind.value, *case.tags})
    return [(escaped(name), str(count)) for name, count in sorted(found.items())]
