from .blind import count_choices, write_blind
from .cases import Case, ImageStart, Kind, PastDrag, RenderedStart, Subject
from .dataset import check_dataset, write_dataset
from .dispatch import open_client
from .folders import RunFolder, read_results
from .gallery import write_gallery
from .measuring import Result, measure, run_method
from .methods import Method, select
from .preparation import PreparedCase, prepare, prepare_on
from .recorder import from_labels, movebench_cases, record
from .reports import study_figure, write_report
from .runs import run
from .sampling import sample_case
from .score_files import find_items
from .scoring import SCORES, score, score_table, summarise
from .statistics import estimate, judge, paired, table
from .studies import STUDIES, study_methods
from .suites import SUITES, case_specs, read_cases, suite, write_cases

__all__ = [
    "SCORES",
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
    "check_dataset",
    "count_choices",
    "estimate",
    "find_items",
    "from_labels",
    "judge",
    "measure",
    "movebench_cases",
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
    "score",
    "score_table",
    "select",
    "study_figure",
    "study_methods",
    "suite",
    "summarise",
    "table",
    "write_blind",
    "write_cases",
    "write_dataset",
    "write_gallery",
    "write_report",
]
