"""One table of settings: each default and each range stands there alone."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import unicodedata

import numpy as np
import pytest
from conftest import ROOT
from stand_ins import KNOWN, LABELS, OFFERED

from prism.amt.pipeline import AMTPipeline
from prism.cli.options import add_controls
from prism.models.pipeline import PrismPipeline
from prism.models.setting_types import Number, SettingError, Word
from prism.models.settings import OTHERS, PUBLIC, SETTINGS, GenerationSettings
from prism.ui.controls import setting_control

NUMBERS = {name: s for name, s in SETTINGS.items() if isinstance(s, Number)}
# Names that are other things elsewhere: the seeds of training, the tempo of a roll.
COMMON = {"seed", "tempo", "key", "register", "time_signature", "composers"}


def test_settings_are_checked_where_they_are_made():
    settings = GenerationSettings(["Ada", "Bob"], [30, 10], seed=7.0, time_signature="6/8")
    assert settings.composer_weights == (0.75, 0.25) and settings.time_signature == (6, 8)
    assert settings == GenerationSettings(["Ada", "Bob"], [3, 1], seed=7, time_signature=(6, 8))
    assert settings.public()["weights"] == [30, 10] and settings.public()["metre"] == "6/8"
    with pytest.raises(SettingError, match="seed: expected a whole number from 0 .*, got 1.5"):
        GenerationSettings("Ada", seed=1.5)


@pytest.mark.parametrize("name", NUMBERS)
def test_the_ends_of_a_range_are_allowed_and_what_lies_beyond_is_named(name):
    setting = NUMBERS[name]
    assert (setting.check(setting.low) or 0, setting.check(setting.high)) == (
        setting.low,
        setting.high,
    )
    for beyond in (setting.low - 1, setting.high + 1):
        if beyond != setting.blank or setting.default is not None:
            with pytest.raises(SettingError, match=f"{name}: expected"):
                setting.check(beyond)


BIG = Number(name="big", default=0, low=0, high=2**63, whole=True)


@pytest.mark.parametrize("exact", [7, 2**53 + 1, 2**63 - 1, 2**63])
def test_whole_numbers_are_exact_however_they_are_written(exact):
    assert BIG.check(exact) == BIG.check(str(exact)) == BIG.check(f" +{exact}.0 ") == exact
    assert type(BIG.check(str(exact))) is int and type(BIG.check(np.int64(7))) is int
    assert BIG.check("1e3") == 1000 and BIG.check(7.0) == 7


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (-1.0, "-1"),
        (True, "True"),
        (False, "False"),
        (2.5, "2.5"),
        (2.0**80, "1208925819614629174706176"),
        (1e400, "inf"),
        (float("nan"), "nan"),
        ("1e999", "'1e999'"),
        ("1e-9999999999", "'1e-9999999999'"),
        ("²", "'²'"),
        ([10**9999], "[something too large to show]"),
        ([3.0, True], "[3, True]"),
        ({"seed": 3}, "{'seed': 3}"),
        (" ", "nothing"),
        (None, "nothing"),
    ],
)
def test_what_is_no_whole_number_is_quoted_without_a_point(given, told):
    with pytest.raises(SettingError) as caught:
        SETTINGS["seed"].check(given)
    expected = "seed: expected a whole number from 0 to 2147483647, got "
    assert str(caught.value) == expected + told


def test_the_seeds_range_is_one_on_page_and_command_line():
    assert setting_control(SETTINGS["seed"]).info.startswith("0 to 2147483647; ")
    parser = argparse.ArgumentParser()
    add_controls(parser)
    assert "a whole number from 0 to 2147483647 (default: 0)" in " ".join(
        parser.format_help().split()
    )


@pytest.mark.parametrize(
    "metre", [(True, 4), (3.5, 4), (3, 1e400), {3: 1, 4: 1}, "3/٤", 3, [[3], 4]]
)
def test_a_metre_is_two_whole_numbers(metre):
    with pytest.raises(SettingError, match="time_signature: expected a time signature such as"):
        GenerationSettings("Ada", time_signature=metre)
    assert GenerationSettings("Ada", time_signature=[3.0, "4"]).time_signature == (3, 4)


@pytest.mark.parametrize(
    "composers", [7, {"Ada": 1}, {}, [["Ada"]], ["Ada", None], [b"Ada"], 1e400]
)
def test_composers_are_a_list_of_labels(composers):
    with pytest.raises(SettingError, match="composers: expected a list of 1 to 4 labels, .*, got"):
        GenerationSettings(composers)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (50, "a list of numbers, one a composer, got 50"),
        ({}, "a list of numbers, one a composer, got {}"),
        ("60,40", "a list of numbers, one a composer, got '60,40'"),
        ([1.0, 2.0], "1, one a composer, got [1, 2]"),
        ([1e400], "a number from 0 to 100, got inf"),
        ([float("nan")], "a number from 0 to 100, got nan"),
        (["x"], "a number from 0 to 100, got 'x'"),
        ([True], "a number from 0 to 100, got True"),
    ],
)
def test_weights_are_a_list_of_numbers_even_for_one_composer(weights, told):
    with pytest.raises(SettingError) as caught:
        GenerationSettings("Ada", weights)
    assert str(caught.value) == f"composer_weights: expected {told}"
    assert GenerationSettings("Ada", [None]) == GenerationSettings("Ada", [""])


def test_lower_case_is_plain():
    asked = {"composers": ["bOB", " ada "], "weights": [1, 3], "amt_start": "Nothing"}
    asked |= {"density": "Sparse", "key": "bb minor", "collection": "dances"}
    settings = GenerationSettings.read(asked, OFFERED)
    assert settings.mix == "Bob 25 % + Ada 75 %" and settings.amt_start == "nothing"
    assert settings.attributes == {"density": "sparse", "key": "B♭ minor", "collection": "Dances"}
    assert settings.public()["composers"] == ["Bob", "Ada"]
    with pytest.raises(SettingError, match="each once, got"):
        GenerationSettings.read({"composers": ["Ada", "ada"]}, OFFERED)


def test_of_two_alike_the_very_word_is_meant():
    both = OFFERED._replace(composers=("bach", "Bach", "Dvořák"))
    check = SETTINGS["composers"].check
    assert check("Bach", both) == ("Bach",) and check("bach", both) == ("bach",)
    assert check(unicodedata.normalize("NFD", "dvořák"), both) == ("Dvořák",)
    with pytest.raises(SettingError, match="some of bach, Bach, Dvořák, got 'BACH'"):
        check("BACH", both)


def test_a_fault_has_the_name_under_which_it_was_given():
    for name, value in {"metre": "5/7", "weights": 7}.items():
        with pytest.raises(SettingError, match=f"^{name}: expected"):
            GenerationSettings.read({"composers": ["Ada"], name: value}, OFFERED)


def test_public_values_read_back():
    values = {"composers": LABELS[:2], "weights": [60, 40], "metre": "3/4", "key": "A minor"}
    settings = GenerationSettings.read(values, OFFERED)
    assert GenerationSettings.read(settings.public(), OFFERED) == settings
    assert settings.attributes == {"key": "A minor"} and set(KNOWN) < set(PUBLIC)


@pytest.mark.parametrize(
    "given, expected", [("A minor", "A minor"), ("C# minor", "D♭ minor"), ("Bb major", "B♭ major")]
)
def test_keys_can_be_spelt_in_other_ways(given, expected):
    settings = GenerationSettings.read({"composers": LABELS[:1], "key": given}, OFFERED)
    assert settings.attributes == {"key": expected}


def test_attributes_are_checked():
    assert SETTINGS["collection"].check("Dances", OFFERED) == "Dances"
    with pytest.raises(SettingError, match="density: expected one of sparse, medium, dense"):
        SETTINGS["density"].check("thick", OFFERED)
    with pytest.raises(SettingError, match="collection: expected one of Ballads, Dances"):
        SETTINGS["collection"].check("Jigs", OFFERED)
    with pytest.raises(SettingError, match="as this model cannot be asked for that"):
        SETTINGS["key"].check("A minor", OFFERED._replace(attributes={}))


def test_what_decides_a_piece_is_its_key():
    plain = GenerationSettings("Ada", amt_start="nothing")
    guided = GenerationSettings("Ada", amt_start="nothing", guidance_scale=3)
    assert plain.key_for("prism") != guided.key_for("prism")
    assert plain.key_for("corpus") == guided.key_for("corpus")
    assert plain.key_for("amt") == guided.key_for("amt")
    other = GenerationSettings("Bob", amt_start="nothing")
    assert other.key_for("corpus") != plain.key_for("corpus")
    assert other.key_for("amt") != plain.key_for("amt")
    mixed = [GenerationSettings(LABELS[:2], weights) for weights in ((60, 40), (40, 60))]
    assert len({settings.key_for("corpus") for settings in mixed}) == 1
    assert len({settings.key_for("amt") for settings in mixed}) == 2


@pytest.mark.parametrize("name", [s.name for s in PUBLIC.values() if s.name in OTHERS])
def test_the_pages_inputs_are_the_tables(name):
    setting, component = SETTINGS[name], setting_control(SETTINGS[name])
    assert component.value == setting.public_default and component.label == setting.label
    if isinstance(setting, Number) and setting.step:
        assert (component.minimum, component.maximum) == (setting.low, setting.high)
    if isinstance(setting, Word):
        assert [value for _, value in component.choices] == list(setting.choices)


def test_the_command_line_leaves_defaults_to_the_table():
    parser = argparse.ArgumentParser()
    add_controls(parser)
    options = vars(parser.parse_args(["Ada"]))
    assert all(options[name] is None for name in PUBLIC if name not in ("composers", "weights"))


def test_the_pipeline_takes_its_defaults_from_the_table():
    parameters = inspect.signature(PrismPipeline.__call__).parameters
    assert not (set(parameters) & set(OTHERS)) - {"seed"}
    assert parameters["seed"].default == SETTINGS["seed"].default
    assert inspect.signature(AMTPipeline.stream).parameters["tempo"].default is None


def default_nodes(tree: ast.AST):
    """(name, value) of every parameter and annotated field with a number for a default."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = node.args
            given = arguments.args[len(arguments.args) - len(arguments.defaults) :]
            yield from zip(given, arguments.defaults, strict=True)
            yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target, node.value


def test_no_default_of_the_table_stands_again_in_the_package():
    names = (set(SETTINGS) | set(PUBLIC)) - COMMON - {"weights", "collection", "metre", "form"}
    found = [
        f"{path.relative_to(ROOT)}:{value.lineno}"
        for path in (ROOT / "prism").rglob("*.py")
        # The original's route has defaults of its own.
        if path.name not in ("settings.py", "original.py")
        for target, value in default_nodes(ast.parse(path.read_text(encoding="utf-8")))
        if getattr(target, "arg", getattr(target, "id", "")) in names
        and isinstance(value, ast.Constant)
        and value.value is not None
    ]
    assert not found


def test_the_documents_table_is_the_tables():
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name, setting in PUBLIC.items():
        (row,) = re.findall(rf"^\| {name} \| (.*) \|$", text, re.MULTILINE)
        assert row == f"{setting.description} | {setting.told_default}"
