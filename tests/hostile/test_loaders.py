"""Every loader of the package says that nothing in a file is executed, those added later too."""

from __future__ import annotations

import ast
from pathlib import Path

import dragstream

PROMISED = {
    "from_pretrained": ("trust_remote_code", False),
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "read_array": ("allow_pickle", False),
}
"""The argument that each call must have, by the end of its name."""


def promise(call):
    name = ast.unparse(call.func)
    return next((what for end, what in PROMISED.items() if f".{name}".endswith(f".{end}")), None)


def test_no_loader_executes_what_a_file_holds():
    seen = 0
    for file in sorted(Path(dragstream.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or (wanted := promise(node)) is None:
                continue
            given = {each.arg: each.value for each in node.keywords}
            name, value = wanted
            place = f"{file}:{node.lineno}"
            assert name in given, f"{place} needs {name}={value}"
            assert isinstance(given[name], ast.Constant), place
            assert given[name].value is value, place
            seen += 1
    assert seen >= 10
