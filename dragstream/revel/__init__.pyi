from .cases import Case, Kind, PastDrag, Subject
from .charts import study_figure
from .dispatch import open_client
from .folders import RunFolder, read_results
from .measuring import Result, measure, run_method
from .methods import Method, select
from .preparation import PreparedCase, prepare, prepare_on
from .recorder import from_labels, record
from .reports import write_report
from .runs import run
from .sampling import sample_case
from .specs import case_specs
from .starts import ImageStart, RenderedStart
from .statistics import estimate, judge, paired, table
from .studies import STUDIES, study_methods
from .suites import SUITES, read_cases, suite, write_cases

__all__ = [
    "STUDIES",
    "SUITES",
    "Case",
    "ImageStart",
    "Kind",
    "Method",
    "PastDrag",
    "PreparedCase",
    "RenderedStart",
    "Result",
    "RunFolder",
    "Subject",
    "case_specs",
    "estimate",
    "from_labels",
    "judge",
    "measure",
    "open_client",
    "paired",
    "prepare",
    "prepare_on",
    "read_cases",
    "read_results",
    "record",
    "run",
    "run_method",
    "sample_case",
    "select",
    "study_figure",
    "study_methods",
    "suite",
    "table",
    "write_cases",
    "write_report",
]
