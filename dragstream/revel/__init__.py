"""The benchmark: cases (what to drag), methods (how), runs over both, and reports.

```python
from dragstream import revel

revel.run(revel.suite("ablation"), revel.study_methods(), "results/ablation")
revel.write_report("results/ablation")
```

``python -m dragstream.revel run ablation --out results/ablation`` does the same;
``python -m dragstream.revel playground --scenes 24 --seed 0 --json FILE`` measures the packaged
model on held-out scenes of its world with a table of its own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.revel.cases import Act, Case, Kind, Picture, Start, Subject
    from dragstream.revel.charts import study_figure
    from dragstream.revel.dispatch import open_client
    from dragstream.revel.draws import draw
    from dragstream.revel.figures import estimate, judge, paired, table
    from dragstream.revel.ledger import Ledger, read_results
    from dragstream.revel.methods import Method, select
    from dragstream.revel.recorder import from_labels, record
    from dragstream.revel.reports import write_report
    from dragstream.revel.runs import run
    from dragstream.revel.situations import Situation, replay, stage
    from dragstream.revel.slots import plan
    from dragstream.revel.studies import STUDIES, study_methods
    from dragstream.revel.suites import SUITES, read_cases, suite, write_cases
    from dragstream.revel.sweep import Result, carry_out, measure

# Torch is imported only when one of these is used.
_HOMES = {
    "Act": "cases",
    "Case": "cases",
    "Kind": "cases",
    "Ledger": "ledger",
    "Method": "methods",
    "Picture": "cases",
    "Result": "sweep",
    "STUDIES": "studies",
    "SUITES": "suites",
    "Situation": "situations",
    "Start": "cases",
    "Subject": "cases",
    "carry_out": "sweep",
    "draw": "draws",
    "estimate": "figures",
    "from_labels": "recorder",
    "judge": "figures",
    "measure": "sweep",
    "open_client": "dispatch",
    "paired": "figures",
    "plan": "slots",
    "read_cases": "suites",
    "read_results": "ledger",
    "record": "recorder",
    "replay": "situations",
    "run": "runs",
    "select": "methods",
    "stage": "situations",
    "study_figure": "charts",
    "study_methods": "studies",
    "suite": "suites",
    "table": "figures",
    "write_cases": "suites",
    "write_report": "reports",
}

__all__ = [
    "STUDIES",
    "SUITES",
    "Act",
    "Case",
    "Kind",
    "Ledger",
    "Method",
    "Picture",
    "Result",
    "Situation",
    "Start",
    "Subject",
    "carry_out",
    "draw",
    "estimate",
    "from_labels",
    "judge",
    "measure",
    "open_client",
    "paired",
    "plan",
    "read_cases",
    "read_results",
    "record",
    "replay",
    "run",
    "select",
    "stage",
    "study_figure",
    "study_methods",
    "suite",
    "table",
    "write_cases",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
