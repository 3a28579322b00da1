"""Scores of video files from any program: `score`, and its table with intervals.

```python
items = find_items("MoveBench", {"Wan-Move": Path("results/en")}, movebench="single")
print(score_table(summarise(score(items))))
```

Each measure of `SCORES` is a function of a `ScoredVideo`; to add one, add it to the list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch

from dragstream.metrics.objmc import ObjMCOptions, json_number
from dragstream.metrics.trackers import Tracker
from dragstream.models.base import VideoModel
from dragstream.revel.measuring import ScoredVideo, drag_dai, mean, suited_tracker
from dragstream.revel.pages import escaped, table_lines
from dragstream.revel.score_files import ScoreItem, read_frames_for
from dragstream.revel.statistics import CONFIDENCE, Estimate, column, estimate, shown
from dragstream.revel.studies import LOOKS, MEASURES, Measure
from dragstream.revel.tables import all_differences, paired_cells


@dataclass(frozen=True)
class Score(Measure):
    """A measure of a video.

    Attributes:
        measure: the figure of a video; NaN where it cannot be measured.
    """

    measure: Callable[[ScoredVideo], float] = field(kw_only=True)


def _score(figure: Measure, measure: Callable[[ScoredVideo], float]) -> Score:
    return Score(**vars(figure), measure=measure)


def _look(name: str) -> Score:
    def measure(video: ScoredVideo) -> float:
        value: float | None = getattr(video.looks, name)
        return math.nan if value is None else value

    return _score(LOOKS[name], measure)


def _followed(name: str) -> Callable[[ScoredVideo], float]:
    return lambda video: mean(getattr(each, name) for each in video.followed)


SCORES: tuple[Score, ...] = (
    _score(MEASURES["objmc"], _followed("mean")),
    _score(LOOKS["epe"], lambda v: mean(each.point_by_point for each in v.by_pixels)),
    *map(_look, ("target_iou", "duplicates", "scraps", "identity")),
    _score(Measure("still", "if nothing moved", 2), _followed("still")),
    _score(Measure("coverage", "coverage", 2, more=True), _followed("coverage")),
)
"""The measures that every video is scored by."""


def dai_score(model: VideoModel) -> Score:
    """DAI of a video whose frames a model's autoencoder encodes, one by one.

    It compares with the DAI of videos encoded by the same model, not with the paper's.
    """
    grid = model.spec.grid

    def measure(video: ScoredVideo) -> float:
        command = video.command
        if command.size != (grid.height, grid.width):
            raise ValueError(
                f"case {command.name!r} has frames of {command.size[1]}x{command.size[0]}, "
                f"{model.spec.name!r} encodes {grid.width}x{grid.height}"
            )
        pictures = (video.frames[index] for index in (0, *command.at))
        latents = torch.cat([model.encode_image(each)[0, -1:] for each in pictures])
        return mean(
            drag_dai(latents[0], latents[1:], drag, command.commands(drag), grid)
            for drag in video.drags
        )

    return _score(MEASURES["dai"], measure)


@dataclass(frozen=True)
class Row:
    """The scores of one video."""

    case: str  # name of the case
    split: str  # part of the data set
    method: str  # name of the method
    file: str  # name of the video's file
    scores: dict[str, float]  # figures by the name of the measure; NaN: not measured
    tracker: str  # names of the trackers
    reason: str | None  # why nothing could be measured; None where the video could be read

    def to_json(self) -> dict[str, Any]:
        """A document; null for what could not be measured."""
        scores = {name: json_number(value) for name, value in self.scores.items()}
        return {**vars(self), "scores": scores}


def score(
    items: Iterable[ScoreItem],
    measures: Sequence[Score] = SCORES,
    tracker: Tracker | None = None,
    options: ObjMCOptions | None = None,
) -> Iterator[Row]:
    """Score every video of every case; a missing or damaged one is a row without figures.

    Args:
        items: the cases, see `find_items`.
        measures: what to measure.
        tracker: follows the points, see `ScoredVideo`.
        options: further arguments of `objmc`.
    """
    for item in items:
        for method, file in item.videos.items():
            row = (item.name, item.split, method, file.name)
            try:
                command, frames = read_frames_for(item, file)
                flow = tracker or suited_tracker(command, command.measured(frames[0]))
                counts = tracker is not None
                video = ScoredVideo(command, frames, flow, counts, options or ObjMCOptions())
                found = {each.name: each.measure(video) for each in measures}
            except (OSError, ValueError) as error:
                nothing = {each.name: math.nan for each in measures}
                yield Row(*row, nothing, "", str(error))
            else:
                names = dict.fromkeys(each.tracker for each in video.followed)
                yield Row(*row, found, ", ".join(names), None)


def summarise(rows: Iterable[Row], measures: Sequence[Measure] = SCORES) -> dict[str, Any]:
    """Means with bootstrap intervals over cases, and each video's scores, as JSON.

    Of each further method it has the paired differences from the first one, over the cases in
    which both have a figure.

    Raises:
        ValueError: no rows.
    """
    every = list(rows)
    if not every:
        raise ValueError("rows is empty: there is no video to summarise")
    columns = [{"method": row.method, "case": row.case, **row.scores} for row in every]
    values = pd.DataFrame(columns).set_index(["method", "case"])
    methods = list(values.index.unique("method"))
    return {
        "confidence": CONFIDENCE,
        "cases": len({row.case for row in every}),
        "measures": [
            {name: getattr(each, name) for name in Measure.__dataclass_fields__}
            for each in measures
        ],
        "methods": {
            method: {
                "videos": sum(row.method == method and row.reason is None for row in every),
                **{
                    each.name: estimate(column(values, method, each.name)).to_json()
                    for each in measures
                },
            }
            for method in methods
        },
        "differences": all_differences(values, methods[0], [each.name for each in measures]),
        "trackers": sorted({row.tracker for row in every if row.tracker}),
        "videos": [row.to_json() for row in every],
    }


def score_table(summary: dict[str, Any]) -> str:
    """The Markdown of a `summarise`: a row a method, differences, and what was not measured."""
    every, methods = [Measure(**each) for each in summary["measures"]], summary["methods"]
    measured = [each for each in every if any(row[each.name]["count"] for row in methods.values())]
    columns = measured or every[:1]
    head = ("method", "videos", *(each.title for each in columns))
    rows = [
        (
            escaped(method),
            str(found["videos"]),
            *(shown(Estimate.from_json(found[each.name]), each.digits) for each in columns),
        )
        for method, found in methods.items()
    ]
    lines = table_lines(head, rows)
    if any(summary["differences"].values()):
        titles = {method: escaped(method) for method in methods}
        heads, cells = paired_cells(summary["differences"], titles, columns)
        lines += ["", *table_lines((f"less {titles[next(iter(methods))]}", *heads[1:]), cells)]
    trackers = ", ".join(summary["trackers"]) or "no tracker"
    said = (
        f"{summary['cases']} case(s); in brackets the {summary['confidence']:.0%} bootstrap "
        f"interval of the mean over cases; followed by {trackers}."
    )
    lines += ["", said]
    if missing := [each.title for each in every if each not in columns]:
        lines += ["", f"Not measured in any video: {', '.join(missing)}."]
    failed = [video for video in summary["videos"] if video["reason"] is not None]
    if failed:
        lines += ["", f"{len(failed)} video(s) without a score:", ""]
        lines += [f"- {escaped(each['case'])}: {escaped(each['reason'])}" for each in failed]
    return "\n".join(lines) + "\n"
