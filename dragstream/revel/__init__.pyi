from .cases import Act, Case, Kind, Picture, Start, Subject
from .charts import study_figure
from .dispatch import open_client
from .draws import draw
from .figures import estimate, judge, paired, table
from .folders import RunFolder, read_results
from .methods import Method, select
from .recorder import from_labels, record
from .reports import write_report
from .runs import run
from .situations import Situation, replay, stage
from .slots import plan
from .studies import STUDIES, study_methods
from .suites import SUITES, read_cases, suite, write_cases
from .sweep import Result, carry_out, measure

__all__ = [
    "STUDIES",
    "SUITES",
    "Act",
    "Case",
    "Kind",
    "Method",
    "Picture",
    "Result",
    "RunFolder",
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
