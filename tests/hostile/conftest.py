from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_FRAME = """
import json, resource, sys
from pathlib import Path
{imports}

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
try:
{body}
    said = ""
except ValueError as error:
    said = str(error)
print(json.dumps([peak() - before, said]))
"""


@pytest.fixture
def in_its_own_process():
    """Run Python in a process of its own: the MiB that it took at its peak, and what it refused."""

    def run(body, imports=""):
        body, imports = textwrap.dedent(body), textwrap.dedent(imports)
        script = _FRAME.format(imports=imports, body=textwrap.indent(body, "    "))
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
