"""Tests of what holds for the whole package: its dependencies, its names, what imports what."""

from __future__ import annotations

import ast
import collections
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

PACKAGE = ROOT / "prism"
# Has every module of the service imported; prints which of the page's libraries came along.
IMPORT_SERVICE = """
import importlib, pkgutil, sys
import prism.service
for module in pkgutil.walk_packages(prism.service.__path__, "prism.service."):
    importlib.import_module(module.name)
print(*sorted({"gradio", "matplotlib"} & set(sys.modules)))
"""


def test_requirements_are_the_project_with_app_train_and_score():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    wanted = [*project["dependencies"], *extras["app"], *extras["train"], *extras["score"]]
    assert sorted(lines) == sorted(wanted)


def test_no_class_name_stands_twice_in_the_package():
    places = collections.defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.slow
def test_the_service_needs_neither_gradio_nor_matplotlib():
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_SERVICE], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert run.stdout.split() == []


def test_the_formatter_is_never_switched_off():
    switched_off = "# fmt: " + "skip"
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").glob("*.py")]
    assert [str(p) for p in sources if switched_off in p.read_text(encoding="utf-8")] == []


def test_nothing_looks_for_the_package_by_itself():
    scripts = [
        *(ROOT / "benchmarks").glob("*.py"),
        *(ROOT / "docs").glob("*.py"),
        *PACKAGE.rglob("*.py"),
    ]
    assert [str(p) for p in scripts if "sys.path" in p.read_text(encoding="utf-8")] == []
