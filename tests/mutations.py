"""Plant errors in the mathematics one at a time, and count which of them the tests catch.

    python -m tests.mutations
    python -m tests.mutations --only geometry "Eq. 4"

Each error is one replacement in a copy of the package in a temporary folder; the working tree stays
as it is. The status is 1 if tests fail without an error, or miss more than two of the errors.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MOST_MISSED = 2

PASSED, FAILED = 0, 1
"""What pytest's exit status says."""


@dataclass(frozen=True)
class Mutation:
    """An error to plant.

    Args:
        name: What it gets wrong.
        file: Where, below `dragstream/`.
        old: The text that is replaced, which occurs once.
        new: What replaces it.
        tests: Files below `tests/` of which one should fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    def planted(self, source: str) -> str:
        """The file's text with the error in it.

        Raises:
            ValueError: The text to replace does not occur exactly once.
            SyntaxError: The result is no Python.
        """
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self}: {self.old!r} occurs {count} times")
        wrong = source.replace(self.old, self.new)
        ast.parse(wrong)
        return wrong


MUTATIONS = (
    # Geometry, paths and regions.
    Mutation(
        "turn about the wrong point",
        "drags/geometry.py",
        "x - cos * x + sin * y",
        "x - cos * x - sin * y",
        ("drags/test_geometry.py",),
    ),
    Mutation(
        "video frame off by one",
        "drags/geometry.py",
        "* (count - 1)",
        "* count",
        ("drags/test_geometry.py",),
    ),
    Mutation(
        "spline through the wrong parameters",
        "drags/paths.py",
        "[i + 1 : i + degree + 1]",
        "[i : i + degree]",
        ("drags/test_paths.py",),
    ),
    Mutation(
        "pins count time from 0",
        "drags/paths.py",
        "/ (frames[pin + 1] - frames[pin])",
        "/ frames[pin + 1]",
        ("drags/test_paths.py",),
    ),
    Mutation(
        "warp with x and y swapped",
        "drags/regions.py",
        "[[e, d], [b, a]]",
        "[[e, b], [d, a]]",
        ("drags/test_regions.py",),
    ),
    Mutation(
        "even-odd rule",
        "drags/scan.py",
        "dtype=np.int32) != 0",
        "dtype=np.int32) % 2 != 0",
        ("drags/test_regions.py",),
    ),
    # Motions and documents.
    Mutation(
        "targets one frame early",
        "drags/motions/base.py",
        "range(1, count + 1)]",
        "range(count)]",
        ("drags/test_motions.py",),
    ),
    Mutation(
        "farthest pixel with x and y swapped",
        "drags/motions/base.py",
        "np.argwhere(mask)[:, ::-1]",
        "np.argwhere(mask)",
        ("drags/test_scale.py",),
    ),
    Mutation(
        "memory moved backwards",
        "drags/motions/drag.py",
        "new_x - old_x, new_y - old_y",
        "old_x - new_x, old_y - new_y",
        ("drags/test_motions.py",),
    ),
    Mutation(
        "part of a turn by time",
        "drags/motions/rotation.py",
        "(fraction) * share)",
        "(fraction * share))",
        ("drags/test_motions.py",),
    ),
    Mutation(
        "growth by equal steps",
        "drags/motions/scale.py",
        "(fraction) ** share)",
        "(fraction) * share + 1 - share)",
        ("drags/test_scale.py",),
    ),
    Mutation(
        "memory written with the target's region",
        "drags/documents.py",
        "_json(source.region)}",
        "_json(drag.region)}",
        ("drags/test_documents.py",),
    ),
    Mutation(
        "mask read inside out",
        "drags/shapes.py",
        "% 2 == 1",
        "% 2 == 0",
        ("drags/test_documents.py",),
    ),
    # The parts of the method.
    Mutation(
        "filter of twice the order (Eq. 7)",
        "method/frequency.py",
        ") ** self.order)",
        ") ** (2 * self.order))",
        ("method/test_frequency.py",),
    ),
    Mutation(
        "focus twice as wide (Eq. 10)",
        "method/focus.py",
        "width * (high - low) / 2",
        "width * (high - low)",
        ("method/test_focus.py",),
    ),
    Mutation(
        "statistics over channels instead of frames (Eq. 4)",
        "method/rectification.py",
        "(-4, -3, -2, -1)",
        "(-3, -4, -2, -1)",
        ("method/test_rectification.py",),
    ),
    Mutation(
        "first moment without bias correction",
        "method/optimizer.py",
        "first = self._first / (1 - _FIRST_BETA**self._steps)",
        "first = self._first",
        ("method/test_adamw.py",),
    ),
    Mutation(
        "deviation of a sample",
        "method/moments.py",
        "correction=0",
        "correction=1",
        ("method/test_moments.py",),
    ),
    Mutation(
        "targets without half a cell (Eq. 1)",
        "method/target_cells.py",
        "(back.apply((cells + 0.5) * size - 0.5) + 0.5) / size - 0.5",
        "back.apply(cells * size) / size",
        ("method/test_target_cells.py",),
    ),
    Mutation(
        "features of the frame before (Eq. 3)",
        "method/features.py",
        "each.features[frame] for each",
        "each.features[frame - 1] for each",
        ("method/test_golden.py",),
    ),
    # The method as a whole.
    Mutation(
        "focus of a segment at the end of the way (Eq. 10)",
        "method/targets.py",
        "(drag.mask, drag.transforms(share))",
        "(drag.mask, drag.transforms())",
        ("method/test_targets.py",),
    ),
    Mutation(
        "what is kept counts by cells (Eq. 3)",
        "method/optimization.py",
        "total * (self.cell / targets.area)",
        "total / targets.area",
        ("method/test_what_moves.py",),
    ),
    Mutation(
        "focus not applied (Eq. 9)",
        "method/optimization.py",
        "self._latents + focus * (stepped - self._latents)",
        "stepped",
        ("method/test_optimization.py",),
    ),
    Mutation(
        "segment one behind",
        "method/optimization.py",
        "(segment + 1) / self._segments",
        "max(segment, 1) / self._segments",
        ("method/test_what_moves.py",),
    ),
    Mutation(
        "segments rounded up",
        "method/settings.py",
        "math.floor(wanted)",
        "math.ceil(wanted)",
        ("method/test_settings.py",),
    ),
    Mutation(
        "segments of the nearest frame",
        "method/block_drags.py",
        "max(pixels), max(degrees)",
        "min(pixels), min(degrees)",
        ("method/test_what_moves.py",),
    ),
)


def run_tests(files: Sequence[str], package: Path) -> int:
    """The exit status of pytest on files below `tests/`, with the package in another folder.

    Raises:
        RuntimeError: The tests did not run to a verdict.
    """
    environment = os.environ | {
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",  # two errors of one length look alike to the cache
    }
    command = [sys.executable, "-P", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(f"tests/{name}" for name in files)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (PASSED, FAILED):
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode


def missed(mutations: Sequence[Mutation], folder: Path) -> list[str]:
    """The names of the errors that no test catches; `folder` takes the copy of the package."""
    package = folder / "dragstream"
    shutil.copytree(
        ROOT / "dragstream", package, ignore=shutil.ignore_patterns("__pycache__", "*.pt")
    )
    planted = [each.planted((package / each.file).read_text()) for each in mutations]
    files = sorted({name for each in mutations for name in each.tests})
    if run_tests(files, folder) == FAILED:
        raise SystemExit(f"tests fail without an error: {' '.join(files)}")
    names = []
    for mutation, wrong in zip(mutations, planted, strict=True):
        file = package / mutation.file
        right = file.read_text()
        file.write_text(wrong)
        caught = run_tests(mutation.tests, folder) == FAILED
        file.write_text(right)
        print(f"{'caught' if caught else 'MISSED'}  {mutation}", flush=True)
        if not caught:
            names.append(mutation.name)
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all errors, or those that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        default=[""],
        metavar="TEXT",
        help="errors with this in their line",
    )
    only = parser.parse_args(arguments).only
    chosen = [each for each in MUTATIONS if any(text in str(each) for text in only)]
    if not chosen:
        parser.error(f"no error has {only} in its line")
    with tempfile.TemporaryDirectory() as folder:
        left = missed(chosen, Path(folder))
    print(f"{len(chosen) - len(left)} of {len(chosen)} caught")
    return int(len(left) > MOST_MISSED)


if __name__ == "__main__":
    sys.exit(main())
