# ruff: noqa: ARG002, PLR0917 - fixtures and stand-ins have the arguments they are given
"""Results on films whose motion is known: the numbers must say what happened."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dragstream.drags.motions import Camera, Deformation, Drag, Rotation, Translation
from dragstream.method.settings import DragSettings
from dragstream.metrics.trackers import LucasKanade
from dragstream.revel.cases import Case, Kind, RenderedStart, Subject
from dragstream.revel.detection import detect, face
from dragstream.revel.measuring import Result, measure, run_method
from dragstream.revel.methods import BASELINE, Method, select
from dragstream.revel.preparation import PreparedCase, prepare
from dragstream.stream.records import Block, Mode
from dragstream.stream.stream import Stream

NONE, DRAG = select([BASELINE, "I=4"])


@dataclass
class Played:
    """A stream whose answer to any drag is a film."""

    model: Any
    blocks: tuple[Block, ...]
    answer: Block

    def fork(self) -> Played:
        return self

    def animate(self, drags: list[Drag], **_: object) -> list[Block]:
        return [self.answer]

    def edit(self, drags: list[Drag], **_: object) -> Block:
        return self.answer


Stage = Callable[..., PreparedCase]


@pytest.fixture
def stage(model, film, block_of) -> Stage:
    """A prepared: an object at rest, what it does by itself, and what it does when dragged."""

    def make(
        drag: Callable[[np.ndarray], Drag],
        kind: Kind,
        shape: str,
        dragged: dict[str, list[float]],
        mode: Mode = Mode.ANIMATE,
        plain: dict[str, list[float]] | None = None,
    ) -> PreparedCase:
        rest = film(shape, "red", x=[96.0] * 3)
        past = (block_of(rest, 0), block_of(rest, 1))
        seen = detect(rest[0], "red", shape)
        region = face(seen) if kind is Kind.TURN else seen.mask
        index = 1 if mode is Mode.EDIT else 2
        answer = block_of(film(shape, "red", **dragged), index, mode)
        stays = block_of(film(shape, "red", **(plain or {"x": [96.0] * 3})), 2)
        case = Case(
            name="c",
            model="picture",
            prompt="a box",
            seed=0,
            block=2,
            drags=(drag(region),),
            mode=mode,
            kind=kind,
            subjects=(Subject(shape, "red"),),
        )
        ahead = (past[-1],) if mode is Mode.EDIT else (stays,)
        return PreparedCase(case, Played(model, past, answer), ahead)

    return make


STRETCH = [0.0, 0.1, 0.2, 0.3]
WIDER = (20 * np.exp(STRETCH) - 20).tolist()

GROWN = 1.3 ** np.array([1 / 3, 2 / 3, 1])

OBEDIENT = [
    (
        Kind.TRANSLATION,
        "star",
        lambda region: Drag(region, Translation.by(18, 9)),
        {"x": [102.0, 108.0, 114.0], "y": [87.0, 90.0, 93.0]},
        0.6,
    ),
    (
        Kind.ROTATION,
        "box",
        lambda region: Drag(region, Rotation((96, 84), 36)),
        {"angle": [12.0, 24.0, 36.0]},
        0.8,
    ),
    (
        # The edge third of a box that grows to one side alone moves by about 1.6 of the stretch.
        Kind.DEFORMATION,
        "box",
        lambda region: Drag(region, Deformation.by(10.6, 0)),
        {"aspect": [0.1, 0.2, 0.3], "x": [96 + shift for shift in WIDER[1:]]},
        1.2,
    ),
    (
        Kind.TURN,
        "critter",
        lambda region: Drag(region, Translation.by(6.9, 0)),
        {"yaw": [12.0, 24.0, 36.0]},
        1.2,
    ),
    (  # the camera's drags hold the ground; what is measured is the object on it
        Kind.PAN,
        "box",
        lambda region: Drag(~region, Camera(pan=(-18, 0))),
        {"x": [102.0, 108.0, 114.0]},
        0.6,
    ),
    (
        Kind.ZOOM,
        "box",
        lambda region: Drag(~region, Camera(zoom=1.3, center=(127.5, 79.5))),
        {
            "radius": (20 * GROWN).tolist(),
            "x": (127.5 - 31.5 * GROWN).tolist(),
            "y": (79.5 + 4.5 * GROWN).tolist(),
        },
        0.6,
    ),
]


@pytest.mark.parametrize(("kind", "shape", "drag", "dragged", "limit"), OBEDIENT)
def test_obeying_scores_near_zero_and_ignoring_the_command(
    kind, shape, drag, dragged, limit, stage: Stage
) -> None:
    prepared = stage(drag, kind, shape, dragged)
    obeyed, ignored = measure(prepared, DRAG), measure(prepared, NONE)
    assert obeyed.objmc < limit
    assert ignored.objmc == pytest.approx(ignored.still, abs=0.3)
    assert obeyed.objmc < 0.26 * ignored.objmc
    assert obeyed.coverage == ignored.coverage == 1
    assert obeyed.tracker == "world"
    assert (obeyed.case, obeyed.method, obeyed.kind, obeyed.mode) == (
        "c",
        "I=4",
        kind.value,
        "animate",
    )


def test_dai_prefers_what_moved_whole_latents(stage: Stage) -> None:
    # 24 px in three frames are one latent of 8 px a frame, so the latents of a flat floor move too.
    prepared = stage(
        lambda region: Drag(region, Translation.by(24, 0)),
        Kind.TRANSLATION,
        "box",
        {"x": [104.0, 112.0, 120.0]},
    )
    obeyed, ignored = measure(prepared, DRAG), measure(prepared, NONE)
    assert obeyed.dai < 0.2 * ignored.dai
    # Pasting is drawing the same object there: the shadow stays behind, which DAI does not see.
    assert obeyed.dai_pasted == ignored.dai_pasted == pytest.approx(obeyed.dai, abs=0.02)


def test_leak_forgives_the_object_and_its_shadow_but_not_the_rest(stage: Stage, block_of) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(18, 0)),
        Kind.TRANSLATION,
        "box",
        {"x": [102.0, 108.0, 114.0]},
    )
    assert measure(prepared, NONE).leak == 0
    assert measure(prepared, DRAG).leak < 0.35
    brighter = prepared.stream.answer.frames.astype(int) + 5
    prepared.stream.answer = block_of(np.clip(brighter, 0, 255).astype(np.uint8), 2)
    assert measure(prepared, DRAG).leak == pytest.approx(5, abs=0.6)


def test_drift_sees_washed_out_frames(stage: Stage, block_of) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(18, 0)),
        Kind.TRANSLATION,
        "box",
        {"x": [102.0, 108.0, 114.0]},
    )
    before = measure(prepared, DRAG)
    pale = 200 + (prepared.stream.answer.frames.astype(float) - 200) * 0.5
    prepared.stream.answer = block_of(pale.round().astype(np.uint8), 2)
    after = measure(prepared, DRAG)
    assert after.clean_drift > 4 * before.clean_drift
    # At the drag's step these streams' latents are twice as large, and so is their drift.
    assert after.drift == pytest.approx(2 * after.clean_drift, rel=1e-4)
    assert after.std_ratio == pytest.approx(0.5, abs=0.08)
    assert before.std_ratio == pytest.approx(1.0, abs=0.1)
    assert before.clean_drift > measure(prepared, NONE).clean_drift


def test_an_edit_is_measured_on_the_edited_frame(stage: Stage) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(18, 0)),
        Kind.TRANSLATION,
        "box",
        {"x": [96.0, 105.0, 114.0]},
        Mode.EDIT,
    )
    obeyed, ignored = measure(prepared, DRAG), measure(prepared, NONE)
    assert ignored.objmc == pytest.approx(18)
    assert obeyed.objmc < 0.6
    assert prepared.command.at == (1,)


def test_a_vanished_object_has_no_figure(stage: Stage, film, block_of) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(18, 0)),
        Kind.TRANSLATION,
        "box",
        {"x": [102.0, 108.0, 114.0]},
    )
    gone = prepared.stream.answer.frames.copy()
    gone[1:] = film("box", "blue")[0]
    prepared.stream.answer = block_of(gone, 2)
    result = measure(prepared, DRAG)
    assert result.coverage == 0
    assert math.isnan(result.objmc)
    assert result.to_json()["objmc"] is None


def test_flow_measures_beside_the_truth_and_instead_of_it(stage: Stage) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(12, 3)),
        Kind.TRANSLATION,
        "star",
        {"x": [100.0, 104.0, 108.0], "y": [85.0, 86.0, 87.0]},
    )
    result = measure(prepared, DRAG, LucasKanade(window=15))
    assert result.objmc_flow < 1.5
    assert measure(prepared, DRAG).objmc_flow is None
    nameless = Case(**{**vars(prepared.case), "subjects": ()})
    alone = PreparedCase(nameless, prepared.stream, prepared.plain)
    assert measure(alone, DRAG, LucasKanade(window=15)).tracker == "lucas-kanade"
    with pytest.raises(ValueError, match="names no subjects"):
        measure(alone, DRAG)


def test_seconds_are_the_blocks_own(stage: Stage) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(12, 3)),
        Kind.TRANSLATION,
        "star",
        {"x": [100.0, 104.0, 108.0]},
    )
    assert measure(prepared, DRAG).seconds_per_block == pytest.approx(0.5)


def test_results_survive_json(stage: Stage) -> None:
    prepared = stage(
        lambda region: Drag(region, Translation.by(12, 3)), Kind.TRANSLATION, "star", {}
    )
    result = measure(prepared, NONE)
    assert all(math.isfinite(v) for v in vars(result).values() if isinstance(v, float))
    document = json.loads(json.dumps(result.to_json()))
    assert Result.from_json(document) == result
    with pytest.raises(ValueError, match="a result has the fields"):
        Result.from_json({"case": "c"})


# ------------------------------------------------------------ with a stream that really runs


def test_the_past_is_made_again_bit_for_bit(model, drawn_scenes) -> None:
    (case,) = drawn_scenes()
    prepared = prepare(model, case)
    assert len(prepared.stream) == case.block == 2
    again = Stream(model, prompt=case.prompt, seed=case.seed, image=case.start.image())
    again.step()
    np.testing.assert_array_equal(prepared.stream.frames, again.frames)
    np.testing.assert_array_equal(prepared.before, case.start.image())
    assert len(prepared.plain) == 1


def test_measuring_names_case_and_method_and_changes_no_stream(model, drawn_scenes) -> None:
    quick = Method("quick", DragSettings.paper(iterations=1), "one step")
    for case in drawn_scenes(5)[::4]:
        prepared = prepare(model, case)
        before = prepared.stream.frames
        result = measure(prepared, quick)
        assert (result.case, result.method) == (case.name, "quick")
        assert result.mode == case.mode.value
        np.testing.assert_array_equal(prepared.stream.frames, before)
        assert len(prepared.stream) == case.block


def test_a_kept_region_is_part_of_the_drag_and_its_term_can_be_left_out(
    model, drawn_scenes
) -> None:
    (case,) = drawn_scenes()
    assert case.keep is not None
    prepared = prepare(model, case)
    # Without a focus, weight decay alone moves what is kept, from the second iteration on.
    terms = {}
    for name, constraint in (("with", 1.0), ("without", False)):
        settings = DragSettings.paper(
            iterations=3, focus=False, constraint=constraint, rectification=False, cutoffs=False
        )
        (block,) = run_method(prepared, Method(name, settings, name))
        assert block.keep is not None
        terms[name] = [each.loss_cst for each in block.iterations]
    assert terms["with"][0] == 0
    assert max(terms["with"]) > 0
    assert max(terms["without"]) == 0


def test_cases_of_other_models_are_refused(model, drawn_scenes) -> None:
    (case,) = drawn_scenes()
    foreign = Case(**{**vars(case), "model": "wan", "start": RenderedStart(0, 0, 0)})
    with pytest.raises(ValueError, match="is of 'wan', not of 'picture'"):
        prepare(model, foreign)
