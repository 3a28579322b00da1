"""Streams as source: run again, it gives the same bits."""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.camera import with_camera
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Camera, Deformation, Drag, Motion, Translation
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.stream import Stream

MASK = np.zeros((32, 48), bool)
MASK[20:30, 30:44] = True
PICTURE = np.random.default_rng(3).integers(0, 256, (32, 48, 3)).astype(np.uint8)


def session(model, drags):
    """A stream with a bit of everything, some of it rewound."""
    stream = Stream(model, "red ball", seed=2**63 + 5, image=PICTURE)
    stream.step()
    stream.step()
    stream.rewind(to=2)
    stream.prompt = "blue ball slides"
    stream.animate(drags, blocks=3, keep=regions.box(0, 24, 12, 32) - MASK)
    stream.rewind(to=4)
    memory = stream.remember(MASK)
    drag = Drag(regions.disc((14, 12), 6), Translation([(0, 0), (3, 4), (6, 0)]), memory)
    stream.edit([drag], settings=DragSettings.released(iterations=1))
    stream.edit(drags[:1], settings=DragSettings.paper(denoising_step=2, rectification=False))
    stream.animate([Drag(MASK, Deformation.by(0, -6))], settings=DragSettings.paper(focus=2))
    stream.prompt = "red ball jumps"
    return stream


@pytest.fixture(scope="module")
def stream(model, drags):
    return session(model, drags)


def again(code, model):
    """The stream that the code makes, in this interpreter."""
    names = {"given": model}
    exec(code, names)  # noqa: S102
    return names["stream"]


def test_the_code_makes_the_same_frames_in_a_fresh_interpreter(stream, trace):
    code = "\n".join(
        [
            "import sys",
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})",
            "import torch",
            f"torch.set_num_threads({torch.get_num_threads()})",
            "from conftest import TinyModel, trace",
            stream.to_code(model="TinyModel()"),
            "print(trace(stream))",
        ]
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout.strip() == trace(stream)


def test_an_archive_knows_the_code_as_well(stream, model, tmp_path):
    restored = Stream.restore(stream.save(tmp_path / "a.dragstream"), model)
    code = stream.to_code(model="given")
    assert restored.to_code(model="given") == code
    assert stream.fork().to_code(model="given") == code
    assert np.array_equal(restored.blocks[0].picture, PICTURE)
    assert restored.blocks[3].earlier == stream.blocks[3].earlier


def test_edits_of_plain_and_first_blocks(model, drags, trace):
    stream = Stream(model, "red ball", seed=1, image=PICTURE)
    stream.edit(drags)
    stream.edit(drags[1:])
    stream.step()
    stream.prompt = "blue ball"
    stream.edit(drags)
    stream.step()
    made = again(stream.to_code(model="given"), model)
    assert trace(made) == trace(stream)
    assert np.array_equal(stream.blocks[0].picture, PICTURE)


def test_a_camera_with_objects_and_a_kept_region(model, drags, trace, tmp_path):
    stream = Stream(model, "red ball", seed=1, image=PICTURE)
    stream.step()
    camera = Camera(pan=(3, -1), zoom=1.2, roll=4)
    kept = regions.box(0, 24, 8, 32)
    made = with_camera(drags[:1], camera, 32, 48, keep=kept, keep_relative="frame")
    stream.animate(made, blocks=2)
    code = stream.to_code(model="given")
    assert "ds.Camera(pan=(3, -1), zoom=1.2, roll=4, center=(23.5, 15.5))" in code
    assert trace(again(code, model)) == trace(stream)
    restored = Stream.restore(stream.save(tmp_path / "a.dragstream"), model)
    assert restored.blocks[-1].drags == tuple(made)


def test_what_was_rewound_is_not_in_it(model, drags):
    stream = Stream(model, "red ball", seed=1)
    stream.run(2, progress=False)
    stream.animate(drags)
    stream.rewind(to=2)
    code = stream.to_code(model="given")
    assert "animate" not in code
    assert 'stream = ds.Stream(model, "red ball", seed=1)\nstream.run(2, progress=False)\n' in code
    assert "base64" not in code


def test_settings_are_told_by_what_is_special_about_them(model, drags, trace):
    stream = Stream(model, "red ball", seed=1)
    stream.step()
    special = DragSettings.paper(
        iterations=1,
        cutoffs=(0.4,),
        learning_rate=0.125,
        rectification=Rectification(neighbours=3, per_frame=True),
        loss="MSE",
        layers=[0],
    )
    stream.animate(drags, settings=special)
    stream.animate(drags, settings=DragSettings.released(iterations=1))
    code = stream.to_code(model="given")
    assert "from dragstream.method import Rectification\n" in code
    assert "rectification=Rectification(neighbours=3, per_frame=True)" in code
    assert 'loss="MSE"' in code
    assert "settings=ds.DragSettings.released(iterations=1)" in code
    assert trace(again(code, model)) == trace(stream)


@dataclass(frozen=True)
class Halfway:
    """A rectification of one's own."""

    neighbours: int = 9
    share: float = 0.5

    def prepare(self, own, neighbours):
        whole = Rectification(self.neighbours).prepare(own, neighbours)
        return lambda latents: latents + self.share * (whole(latents) - latents)


@dataclass(frozen=True)
class Growth(Motion):
    """A motion of one's own."""

    factor: float

    def at(self, fraction):
        return Affine.translation(fraction * self.factor, 0.0)


def test_parts_of_ones_own_are_imported(model, trace):
    stream = Stream(model, "red ball", seed=1)
    stream.step()
    drags = [Drag(MASK, Growth(3))]
    stream.animate(drags, settings=DragSettings.paper(rectification=Halfway(share=0.25)))
    code = stream.to_code(model="given")
    assert f"from {__name__} import Growth, Halfway\n" in code
    assert "rectification=Halfway(share=0.25)" in code
    assert "Growth(factor=3)" in code
    assert trace(again(code, model)) == trace(stream)


def test_parts_of_a_notebook_are_named(model):
    here = type("Halfway", (Halfway,), {"__module__": "__main__"})
    stream = Stream(model, "red ball", seed=1)
    stream.step()
    stream.animate([Drag(MASK, Growth(3))], settings=DragSettings.paper(rectification=here()))
    assert "# Halfway: to be defined here, as in the session" in stream.to_code(model="given")


def test_usual_settings_are_not_mentioned(model, drags):
    stream = Stream(model, "red ball", seed=1)
    stream.step()
    stream.animate(drags[:1], blocks=2)
    assert "settings" not in stream.to_code(model="given")
    assert "blocks=2" in stream.to_code(model="given")


def test_a_stream_without_blocks(model, trace):
    stream = Stream(model, "blue", seed=3)
    stream.prompt = "red ball"
    assert trace(again(stream.to_code(model="given"), model)) == trace(stream)


def test_a_prompt_is_data(tiny):
    class Anything(tiny):
        def encode_text(self, prompt):
            return torch.full((1, 1, 8), float(len(prompt)))

    prompt = "it's \"a\" ball\n'''\\"
    stream = Stream(Anything(), prompt, seed=0)
    assert again(stream.to_code(model="given"), stream.model).prompt == prompt


def test_other_weights_are_refused(stream, tiny):
    with pytest.raises(ValueError, match="made with other weights"):
        again(stream.to_code(model="given"), tiny(weights=1))


def test_a_model_without_a_name_needs_an_expression(stream):
    with pytest.raises(ValueError, match="has no model 'tiny', only playground"):
        stream.to_code()


def test_archives_without_the_picture_are_read_but_have_no_code(model, tmp_path, trace):
    stream = Stream(model, "red ball", seed=1, image=PICTURE)
    saved, early = stream.save(tmp_path / "a.dragstream"), tmp_path / "early.dragstream"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(early, "w") as archive:
        for member in source.infolist():
            if member.filename != "picture.safetensors":
                archive.writestr(member, source.read(member))
    restored = Stream.restore(early, model)
    assert trace(restored) == trace(stream)
    with pytest.raises(ValueError, match="does not hold the picture"):
        restored.to_code(model="given")


def test_a_picture_is_written_as_png_and_read_back(stream, model):
    code = stream.to_code(model="given")
    assert max(map(len, code.splitlines())) <= 100
    assert code.count("png") == 2
    assert np.array_equal(again(code, model).blocks[0].picture, PICTURE)
