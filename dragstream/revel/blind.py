"""A blind comparison of two runs: `write_blind` makes the page, `count_choices` counts its files.

The page shows two films of a case, left and right at random; a viewer chooses the better one by
key. The choices are a JSON file, which the page offers as a download.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy import stats

from dragstream.drags.checks import check_choice, check_positive
from dragstream.drags.files import checked_target, expanded
from dragstream.drags.reading import located
from dragstream.revel.case_folders import BROKEN, CASE, film_folder, read_command, read_document
from dragstream.revel.cases import case_reader
from dragstream.revel.folders import method_titles, read_run
from dragstream.revel.gallery import ShownCase, write_page
from dragstream.revel.methods import FULL
from dragstream.revel.pages import escaped, table_lines
from dragstream.revel.statistics import CONFIDENCE

FORMAT = 1
VERDICTS = ("first", "second", "same")


def write_blind(
    first: str | Path,
    second: str | Path,
    path: str | Path,
    methods: tuple[str, str] = (FULL, FULL),
    *,
    megabytes: float = 20.0,
) -> Path:
    """Write the cases that two runs share as a page for blind comparison; returns its path.

    The order of cases and the sides are drawn when the page is opened. Its source shows which film
    is from which run.

    Args:
        first: folder of a run with films (`run ... --films`).
        second: another one, or the same.
        path: ending in ``.html``.
        methods: the method of each run.
        megabytes: frames are scaled down until they need no more, in units of 10^6 bytes.

    Raises:
        FileNotFoundError: a film is missing; the message says how it is made.
        ValueError: runs that share no case, or one run with one method twice.
    """
    limit = check_positive(megabytes, "megabytes") * 1e6
    target = checked_target(path, ".html")
    places = (expanded(first, "first"), expanded(second, "second"))
    if places[0].resolve() == places[1].resolve() and methods[0] == methods[1]:
        raise ValueError(f"both sides are {methods[0]!r} of {str(places[0])!r}: name two methods")
    runs = [read_run(place) for place in places]
    pairs = list(zip(places, methods, strict=True))
    first_cases, second_cases = (
        [each.case for each in results if each.method == method]
        for (_, results), method in zip(runs, methods, strict=True)
    )
    cases = [case for case in first_cases if case in second_cases]
    if not cases:
        one, other = (f"{str(place)!r} ({name})" for place, name in pairs)
        raise ValueError(f"{one} and {other} share no case")
    document = {
        "title": "Which video follows the drag better?",
        "format": FORMAT,
        "sides": [
            f"{method_titles(about)[method]} ({place.resolve().name})"
            for (about, _), (place, method) in zip(runs, pairs, strict=True)
        ],
    }
    folders = (film_folder(places[0], case) for case in cases)
    reader = case_reader()
    shown = [ShownCase(read_command(folder / CASE, reader), pairs) for folder in folders]
    return write_page("blind", target, document, shown, limit)


@dataclass(frozen=True)
class Count:
    """Choices between two sides.

    Attributes:
        sides: names of the first and the second side.
        wins: number of choices of each side.
        same: number of choices of neither.
        left: number of choices of the film on the left.
        low: lower end of the exact binomial interval of the first side's share of the wins.
        high: upper end.
        p_value: p of the two-sided sign test of the wins.
        p_left: p of the same test of left and right.
    """

    sides: tuple[str, str]
    wins: tuple[int, int]
    same: int
    left: int
    low: float
    high: float
    p_value: float
    p_left: float

    @property
    def share(self) -> float | None:
        """The first side's share of the wins; None without any."""
        total = sum(self.wins)
        return self.wins[0] / total if total else None

    def to_json(self) -> dict[str, Any]:
        """A document; null where nothing was decided."""
        decided = sum(self.wins) > 0
        return {
            "sides": list(self.sides),
            "wins": list(self.wins),
            "same": self.same,
            "left": self.left,
            "share": self.share,
            "interval": [self.low, self.high] if decided else None,
            "confidence": CONFIDENCE,
            "p_value": self.p_value if decided else None,
            "p_left": self.p_left if decided else None,
        }


def count_choices(files: Sequence[str | Path]) -> Count:
    """Count the choices of one or several viewers.

    Of several choices for a case in a file the last one counts. Test and interval assume
    independent choices; those of several viewers on the same cases are not quite independent.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no choices, or of other sides than those of the first file; the message names
            the file.
    """
    sides: tuple[str, str] | None = None
    verdicts: list[tuple[str, str]] = []
    for name in files:
        file = expanded(name, "file")
        found, chosen = _read(file)
        if sides not in {None, found}:
            raise ValueError(f"{file}: sides must be {sides} as in the first file, got {found}")
        sides = found
        verdicts += chosen.values()
    if sides is None:
        raise ValueError("files is empty: give at least one file of choices")
    first, second, same = (sum(each == verdict for each, _ in verdicts) for verdict in VERDICTS)
    decided = [side for verdict, side in verdicts if verdict != "same"]
    left = decided.count("left")
    if not decided:
        return Count(sides, (0, 0), same, 0, 0.0, 1.0, 1.0, 1.0)
    test = stats.binomtest(first, first + second)
    interval = test.proportion_ci(confidence_level=CONFIDENCE, method="exact")
    by_side = stats.binomtest(left, len(decided)).pvalue
    figures = (float(each) for each in (interval.low, interval.high, test.pvalue, by_side))
    return Count(sides, (first, second), same, left, *figures)


def _read(file: Path) -> tuple[tuple[str, str], dict[str, tuple[str, str]]]:
    """The sides of a file of choices, and verdict and chosen side by case."""
    document, choices = read_document(file, FORMAT, "choices"), {}
    with located(str(file), *BROKEN):
        first, second = map(str, document["sides"])
        for each in document["choices"]:
            verdict, side = each["verdict"], each.get("side")
            check_choice(verdict, VERDICTS, "verdict")
            if verdict != "same":
                check_choice(side, ("left", "right"), "side")
            choices[str(each["case"])] = (verdict, str(side))
    return (first, second), choices


def count_table(count: Count) -> str:
    """Format a count as Markdown, with a conclusion."""
    first, second = map(escaped, count.sides)
    lines = table_lines(
        ("chosen", "times"),
        [(first, str(count.wins[0])), (second, str(count.wins[1])), ("neither", str(count.same))],
    )
    if count.share is None:
        return "\n".join([*lines, "", "not measured: nothing was decided"]) + "\n"
    conclusion = "cannot be told apart"
    if count.p_value < 1 - CONFIDENCE:
        conclusion = f"{first if count.share > 0.5 else second} is chosen more often"
    summary = (
        f"Of {sum(count.wins)} decisions {count.share:.0%} are for {first} ({CONFIDENCE:.0%} exact "
        f"interval {count.low:.0%} to {count.high:.0%}; sign test p = {count.p_value:.3g}): "
        f"{conclusion}."
    )
    lines += ["", summary]
    if count.p_left < 1 - CONFIDENCE:
        lines.append(
            f"The left side was chosen {count.left} times (p = {count.p_left:.3g}): the viewer "
            "prefers a side, so read this with care."
        )
    return "\n".join(lines) + "\n"
