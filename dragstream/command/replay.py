"""``dragstream replay``: films of released labels, documents of drags, and archives."""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from dragstream.command.base import UsageError, add_model_options, add_parser, load_model
from dragstream.drags.documents import from_json
from dragstream.drags.failures import FAILURES, one_line
from dragstream.drags.files import expanded
from dragstream.drags.label_fitting import fit_label
from dragstream.drags.labels import Mode, is_label, load_json, read_label
from dragstream.drags.motions import Drag
from dragstream.drags.reading import located
from dragstream.drags.shapes import Shape
from dragstream.models.base import ModelSpec

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel
    from dragstream.stream.stream import Stream


@dataclass(frozen=True)
class Scene:
    """The blocks before the drags, and the drags on their newest frame."""

    prompt: str
    block: int  # number of blocks before the drags
    edit: bool  # change the newest frame; else generate new blocks
    drags: Sequence[Drag]
    keep: Shape | None
    blocks: int  # that the drags last; 1 for an edit


def _label_scene(file: Path, spec: ModelSpec, prompt: str | None) -> Scene:
    """The scene of a released label, fitted to the model's frames and blocks."""
    label = fit_label(read_label(file), spec.grid, spec.clock, spec.frames_per_block)
    edit = label.mode is Mode.EDIT
    return Scene(prompt or label.prompt, label.block, edit, label.drags, label.keep, label.blocks)


def _document_scene(file: Path, options: argparse.Namespace) -> Scene:
    """The scene of a file with the JSON of `dragstream.drags.labels.to_json`."""
    if not options.prompt:
        raise UsageError("a document of drags holds no prompt: give --prompt")
    with located(str(file)):
        drags, keep = from_json(load_json(file))
    at = 1 if options.at is None else options.at
    blocks = 1 if options.blocks is None else options.blocks
    return Scene(options.prompt, at, options.edit, drags, keep, blocks)


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


_FILMS = (".mp4", ".gif")
_EXAMPLES = """
dragstream replay saved_labels/orangutans --model self-forcing --out film.mp4
dragstream replay saved_labels --model self-forcing --settings released --out films
dragstream replay saved_labels/orangutans --video block_0_3.mp4 --model self-forcing --out film.mp4
dragstream replay drags.json --prompt "a red critter rests in a meadow" --at 2 --out film.gif
dragstream replay session.dragstream --out film.mp4
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "make the film of a released label, of a JSON document of drags, or of an archive"
    parser = add_parser(commands, "replay", _run, text, _EXAMPLES)
    parser.add_argument(
        "label",
        type=expanded,
        metavar="LABEL",
        help="a label's folder or trajectory JSON, a folder above label folders, a document that "
        "dragstream.drags.labels.to_json gives, or a file that Stream.save wrote",
    )
    add_model_options(parser)
    parser.add_argument(
        "--out",
        type=expanded,
        required=True,
        metavar="FILE",
        help="the film, .mp4 or .gif, or a folder for films; missing folders are made",
    )
    parser.add_argument("--archive", type=expanded, metavar="FILE", help="save the stream as well")
    parser.add_argument("--prompt", help="instead of the label's; a document needs one")
    parser.add_argument("--seed", type=int, help="of the noise (default: 0)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--image", type=expanded, metavar="PICTURE", help="the first frame; it becomes block 0"
    )
    start.add_argument(
        "--video",
        type=expanded,
        metavar="FILE",
        help="the video that the drags were drawn on, up to their frame; it becomes the first "
        "blocks",
    )
    parser.add_argument(
        "--settings",
        choices=("paper", "released"),
        help="a preset of the method in place of the model's recommendation; released also "
        "normalises the predictions of every block",
    )
    drags = parser.add_argument_group("for documents of drags")
    drags.add_argument("--at", type=int, metavar="N", help="blocks before the drags (default: 1)")
    drags.add_argument("--blocks", type=int, metavar="N", help="that the drags last (default: 1)")
    drags.add_argument("--edit", action="store_true", help="change the newest frame instead")


def _run(options: argparse.Namespace) -> int:
    source: Path = options.label
    if not source.exists():
        raise FileNotFoundError(f"there is no label, document or archive {str(source)!r}")
    if source.is_dir() or is_label(source):
        _refuse(options, ("at", "blocks", "edit"), "is for a document of drags")
        return _play_labels(options, find_labels(source))
    if zipfile.is_zipfile(source):
        _refuse(
            options,
            ("prompt", "seed", "image", "video", "settings", "at", "blocks", "edit", "archive"),
            "does not go with an archive, whose film exists",
        )
        from dragstream.stream.stream import Stream

        film = _film_path(options.out, source.stem)
        _write(Stream.restore(source, load_model(options)), film, None)
        return 0
    scene = _document_scene(source, options)
    film = _film_path(options.out, source.stem)
    _write(_play(load_model(options), scene, options), film, options.archive)
    return 0


def _refuse(options: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if getattr(options, name) not in (None, False):
            raise UsageError(f"--{name} {why}")


def _play_labels(options: argparse.Namespace, labels: dict[str, Path]) -> int:
    """Make the film of each label; one that fails does not stop the others."""
    if len(labels) > 1 and (options.out.suffix in _FILMS or options.archive):
        option = "--archive names one file" if options.archive else "--out must name a folder"
        raise UsageError(f"{options.label} holds {len(labels)} labels: {option}")
    films = {label: _film_path(options.out, name) for name, label in labels.items()}
    model = load_model(options)
    failed = 0
    for label, film in films.items():
        try:
            scene = _label_scene(label, model.spec, options.prompt)
            _write(_play(model, scene, options), film, options.archive)
        except FAILURES as error:
            print(f"error: {label}: {one_line(error)}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _film_path(out: Path, name: str) -> Path:
    """The file of a film, `name` in a folder `out`; checked before anything is generated."""
    from dragstream.stream.mp4 import find_ffmpeg

    if out.is_dir() or not out.suffix:
        out /= f"{name}.mp4"
    if out.suffix not in _FILMS:
        raise UsageError(f"--out must end in {' or '.join(_FILMS)}, got {str(out)!r}")
    if out.suffix == ".mp4":
        find_ffmpeg()
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def _play(model: VideoModel, scene: Scene, options: argparse.Namespace) -> Stream:
    """The stream with the scene's drags in it."""
    from dragstream.drags.picture_files import read_picture
    from dragstream.method.settings import DragSettings
    from dragstream.metrics.videos import read_video
    from dragstream.stream.stream import Stream

    presets = {"paper": DragSettings.paper, "released": DragSettings.released}
    settings = presets[options.settings]() if options.settings else None
    stream = Stream(
        model,
        scene.prompt,
        options.seed or 0,
        None if options.image is None else read_picture(options.image),
        video=None if options.video is None else read_video(options.video),
        prediction_blocks=2 if options.settings == "released" else 0,
    )
    if scene.block < len(stream):
        raise ValueError(
            f"the drags begin at block {scene.block}, the picture or video has {len(stream)}"
        )
    stream.run(scene.block - len(stream))
    if scene.edit:
        with tqdm(desc="iterations") as bar:
            stream.edit(scene.drags, scene.keep, settings, lambda _: bar.update())
    else:
        stream.animate(scene.drags, scene.blocks, scene.keep, settings, progress=True)
    return stream


def _write(stream: Stream, film: Path, archive: Path | None) -> None:
    if archive is not None:
        print(stream.save(archive))
    print(stream.to_gif(film) if film.suffix == ".gif" else stream.to_mp4(film))
