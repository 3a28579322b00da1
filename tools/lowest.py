"""Print the lower bounds of pyproject.toml as pip constraints, for `make test-lowest`.

Of each lowest series the newest patch is taken: `>=4.10` becomes `==4.10.*`.

Torch is left out: it stays the one of constraints.txt, since each version is gigabytes.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]


def lowest(requirements: list[str]) -> dict[str, str]:
    """The lower bound of each requirement that has one; the highest where several name it."""
    bounds: dict[str, str] = {}
    for text in requirements:
        requirement = Requirement(text)
        for each in requirement.specifier:
            known = bounds.get(requirement.name, "0")
            if each.operator == ">=" and Version(each.version) > Version(known):
                bounds[requirement.name] = each.version
    return bounds


def main() -> None:
    """Print one constraint a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = list(project["dependencies"])
    for name in extras.keys() - {"docs", "test"}:  # these are for developers, who have the newest
        requirements += extras[name]
    for name, version in sorted(lowest(requirements).items()):
        if name != "torch":
            print(f"{name}=={version}.*")


if __name__ == "__main__":
    main()
