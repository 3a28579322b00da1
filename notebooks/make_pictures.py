"""Make the pictures of the pages, and run the notebooks so that they carry current ones.

    python notebooks/make_pictures.py                    # or: make pictures
    python notebooks/make_pictures.py --only filmstrip drift
    python notebooks/make_pictures.py --only notebooks --notebooks 03_latent_drift.ipynb

Pictures go to docs/pictures. All but the screenshots need the packaged model alone; those are taken
in a real JupyterLab in Chromium, through the browser tests.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
import numpy as np
from matplotlib.figure import Figure
from nbclient import NotebookClient
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_fill_holes
from tqdm.auto import tqdm

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import DragCanvas

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
PROMPT = "a red critter rests beside a blue box in a meadow"
SEED = 2
PICTURE_SEED = 41
PAST = 4
"""Blocks before the drag, the picture's among them."""
BLOCKS = 3
"""Blocks that the drag takes."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Scene:
    """One drag, made once: the stream it shaped, and forks without it and without rectification."""

    def __init__(self) -> None:
        self.model = ds.load("playground")
        picture = draw(PROMPT, seed=PICTURE_SEED)
        self.stream = ds.Stream(self.model, PROMPT, SEED, picture)
        self.stream.run(PAST - 1)
        self.undragged = self.stream.fork()
        self.raw = self.stream.fork()
        self.drags = [self._drag(self.stream.frames[-1])]
        self.canvas = DragCanvas(self.stream.frames[-1], drags=self.drags)
        self.stream.animate(self.drags, blocks=BLOCKS)
        self.undragged.run(BLOCKS)
        off = ds.DragSettings(rectification=False)
        self.raw.animate(self.drags, blocks=BLOCKS, settings=off)

    def _drag(self, frame: NDArray[np.uint8]) -> ds.Drag:
        """Pull what is red, in a bow, 60 pixels away from what is blue."""
        red, green, blue = np.moveaxis(frame.astype(int), -1, 0)
        region = binary_fill_holes((red > green + 70) & (red > blue + 70))  # with its eye
        box = (blue > red + 70) & (blue > green + 70)
        side = 1 if np.nonzero(region)[1].mean() > np.nonzero(box)[1].mean() else -1
        bow = ds.Path.spline([(0, 0), (side * 30, -10), (side * 60, 0)])
        return ds.Drag(region, ds.Translation(bow))

    @property
    def start(self) -> int:
        """The video frame that the drag begins in."""
        return self.stream.blocks[PAST].video_frames[0] - 1


def filmstrip(scene: Scene) -> None:
    """The frame that is pulled in and those that follow, with the drag and without."""
    frames = range(scene.start, len(scene.stream.frames), 3)
    figure = Figure(figsize=(2.1 * len(frames), 3.4), dpi=110, layout="constrained")
    above, below = figure.subplots(2, 1)
    ds.plots.filmstrip(scene.stream, frames, columns=len(frames), ax=above)
    ds.plots.filmstrip(scene.undragged, frames, columns=len(frames), ax=below)
    above.set_xlabel("")
    above.set_ylabel("dragged", fontsize="small")
    below.set_ylabel("left alone", fontsize="small")
    figure.savefig(PICTURES / "filmstrip.png")


def drift(scene: Scene) -> None:
    """The latent drift with rectification and without."""
    labels = ("rectified", "not rectified")
    ax = ds.plots.drift(scene.stream, scene.raw, labels=labels)
    ax.figure.savefig(PICTURES / "drift.png")


def features(scene: Scene) -> None:
    """What the model sees at each cutoff."""
    ax = ds.plots.features(scene.stream)
    ax.figure.savefig(PICTURES / "features.png")


def animation(scene: Scene) -> None:
    """The drag as it is drawn, then the video side by side: dragged and left alone."""
    size = tuple(3 * edge // 2 for edge in scene.stream.frames.shape[2:0:-1])
    drawn = scene.canvas.picture().resize(size, Image.Resampling.LANCZOS)

    def pair(dragged: Image.Image, alone: NDArray[np.uint8]) -> Image.Image:
        width, height = size
        sheet = Image.new("RGB", (2 * width + 8, height + 22), "white")
        sheet.paste(dragged, (0, 0))
        sheet.paste(enlarged(alone), (width + 8, 0))
        ink, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
        for left, text in ((0, "dragged"), (width + 8, "left alone")):
            ink.text((left + 4, height + 3), text, "#333333", font)
        return sheet

    def enlarged(frame: NDArray[np.uint8]) -> Image.Image:
        return Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)

    past = range(max(0, scene.start - 5), scene.start + 1)
    future = range(scene.start + 1, len(scene.stream.frames))
    video, other = scene.stream.frames, scene.undragged.frames
    frames = [pair(enlarged(video[n]), other[n]) for n in past]
    frames += [pair(drawn, other[scene.start])]
    frames += [pair(enlarged(video[n]), other[n]) for n in future]
    step = round(1000 / scene.model.spec.clock.frame_rate)
    durations = [step] * len(past) + [1500] + [step] * (len(future) - 1) + [1200]
    first, *rest = (frame.quantize(255, dither=Image.Dither.NONE) for frame in frames)
    target = PICTURES / "drag.gif"
    first.save(target, save_all=True, append_images=rest, duration=durations, loop=0, optimize=True)


def screenshot() -> None:
    """The quick-start in JupyterLab, as the browser test leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-m", "browser"]
        test = ROOT / "tests" / "browser" / "test_first_drag.py"
        environment = os.environ | {"DRAGSTREAM_SCREENSHOTS": folder}
        subprocess.run([*command, str(test)], check=True, env=environment, cwd=ROOT)
        picture = Image.open(Path(folder) / "first-drag.png").convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(PICTURES / "lab.png", optimize=True)


def studio() -> None:
    """The Studio on a laptop, as the browser test leaves it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-m", "browser", "-k", "playground"]
        test = ROOT / "tests" / "browser" / "test_studio.py"
        environment = os.environ | {"DRAGSTREAM_SCREENSHOTS": folder}
        subprocess.run([*command, str(test)], check=True, env=environment, cwd=ROOT)
        picture = Image.open(Path(folder) / "studio-playground.png").convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(PICTURES / "studio.png", optimize=True)
    attach(ROOT / "notebooks" / "02_the_studio.ipynb", PICTURES / "studio.png")


def attach(path: Path, picture: Path) -> None:
    """Put a picture into the notebook's cell that shows it as an attachment.

    A copy of the notebook elsewhere keeps it, and Voilà refuses paths outside of its folder.
    """
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if f"(attachment:{picture.name})" in cell.source]
    encoded = base64.b64encode(picture.read_bytes()).decode()
    cell.attachments = {picture.name: {"image/png": encoded}}
    nbformat.write(notebook, path)


def recording() -> None:
    """A film of the Studio in real time: an object is pulled while the stream plays."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "browser"]
    test = ROOT / "tests" / "browser" / "test_live_playground.py"
    film = str(PICTURES / "live.webp")
    environment = os.environ | {"DRAGSTREAM_RECORDING": film}
    subprocess.run([*command, str(test)], check=True, env=environment, cwd=ROOT)


def _is_passing(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a widget on its way, such as a progress bar, or a note on stderr."""
    if output.output_type == "stream":
        return bool(output.name == "stderr")
    return output.output_type == "display_data" and WIDGET_VIEW in output.data


def run_notebooks(names: Sequence[str] | None = None) -> None:
    """Run notebooks in place (None: every one); keep what a reopened one can show.

    Widgets are dropped, since a notebook without its kernel says "model not found" in their place:
    progress bars whole, and of a canvas all but its text, since a picture stands beside it.
    """
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if names is not None and path.name not in names:
            continue
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        notebook.metadata.pop("widgets", None)
        notebook.metadata["language_info"] = {"name": "python"}
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if cell.cell_type != "code":
                continue
            cell.outputs = [output for output in cell.outputs if not _is_passing(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET_VIEW, None)
        nbformat.write(notebook, path)


DRAWN: dict[str, Callable[[Scene], None]] = {
    "filmstrip": filmstrip,
    "drift": drift,
    "features": features,
    "animation": animation,
}
RUN: dict[str, Callable[[], None]] = {
    "screenshot": screenshot,
    "studio": studio,
    "recording": recording,
}


def main() -> None:
    """Make the pictures that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [*DRAWN, "notebooks", *RUN]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    known = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    parser.add_argument("--notebooks", nargs="+", choices=known, metavar="NAME")
    options = parser.parse_args()
    wanted = options.only
    pages = set(RUN) & set(wanted)
    if pages and shutil.which(os.environ.get("CHROMIUM") or "chromium") is None:
        parser.error("screenshots need Chromium (CHROMIUM=path), or name others with --only")
    PICTURES.mkdir(parents=True, exist_ok=True)
    scene = Scene() if set(wanted) & set(DRAWN) else None
    for name in tqdm(wanted, "pictures"):
        if scene is not None and name in DRAWN:
            DRAWN[name](scene)
        elif name == "notebooks":
            run_notebooks(options.notebooks)
        elif name in RUN:
            RUN[name]()


if __name__ == "__main__":
    main()
