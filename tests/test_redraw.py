"""Bars drawn anew: as a setting, in the pipeline, on the page's side and in links."""

import numpy as np
import pytest
from conftest import make_pipeline
from stand_ins import OFFERED
from starlette.datastructures import QueryParams
from test_known import STEPS, begun, inside

from prism.models.edits import Edit, Kept, read_bars
from prism.models.known import KnownBeats
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.service.links import query, read_query
from prism.service.loading import Loader
from prism.service.scheduler import Scheduler
from prism.service.sources import PrismSource

CALL = {"composers": "Ada", "time_signature": (4, 4), "attribute_scale": 0, **STEPS}


@pytest.fixture
def keyed():
    return make_pipeline(knowing=["density", "key"], key_normalised=True, seed=3)


def bars(first: int, last: int, beats: int = 4) -> np.ndarray:
    place = np.arange(64) // beats + 1
    return (place >= first) & (place <= last)


def test_notes_outside_the_redrawn_bars_stay(keyed):
    base = keyed(seed=[1, 2], **CALL).rolls
    redrawn = keyed(seed=[1, 2], redraw="9-12:77", **CALL).rolls
    kept = ~bars(9, 12)
    for before, after in zip(base, redrawn, strict=True):
        assert inside(before, kept) <= inside(after, kept)
        assert begun(after, kept) == begun(before, kept)
        assert begun(after, ~kept) != begun(before, ~kept)
    assert redrawn == [keyed(seed=s, redraw="9-12:77", **CALL).rolls[0] for s in (1, 2)]


def test_a_redraw_is_a_sample_around_the_other_bars(keyed):
    (base,) = keyed(seed=1, **CALL).rolls
    around = KnownBeats.all_but(base, 3, 3)
    assert np.flatnonzero(~around.mask).tolist() == [8, 9, 10, 11]
    *_, last = keyed.stream(GenerationSettings(seed=5, **CALL), known=around)
    assert keyed(seed=1, redraw="3:5", **CALL).rolls == last.rolls
    # The seed is that of the bars, and the same piece may be given.
    assert keyed(seed=8, redraw="3:5", known=base, **CALL).rolls == last.rolls


def test_edits_follow_one_another(keyed):
    (first,) = keyed(seed=1, redraw="3:5", **CALL).rolls
    (both,) = keyed(seed=1, redraw="3:5,9-10:6", **CALL).rolls
    assert keyed(seed=1, redraw="9-10:6", known=first, **CALL).rolls == [both]
    previews = list(keyed.stream(GenerationSettings(seed=1, redraw="3:5,9-10:6", **CALL)))
    assert len(previews) == 3 and previews[-1].rolls == [both]
    kept = ~bars(9, 10)
    assert all(begun(p.rolls[0], kept) == begun(first, kept) for p in previews)


def test_all_bars_may_be_redrawn_in_their_metre(keyed):
    (roll,) = keyed(seed=1, redraw="1-16:7", **CALL).rolls
    assert roll != keyed(seed=1, **CALL).rolls[0]
    assert roll.time_signature == (4, 4)


def test_bars_that_do_not_begin_on_a_beat_are_kept_to_the_frame(keyed):
    """In 9/8, bar 2 lasts from beat 4 and a half to beat 9."""
    call = CALL | {"time_signature": (9, 8)}
    (base,), (after,) = (keyed(seed=1, redraw=r, **call).rolls for r in (None, "2:7"))
    around = KnownBeats.all_but(base, 2, 2)
    assert np.flatnonzero(~around.frames).tolist() == list(range(18, 36))
    assert np.flatnonzero(~around.mask).tolist() == [4, 5, 6, 7, 8]
    outside = np.r_[0:18, 36:256]
    assert np.array_equal(after.onset[:, outside], base.onset[:, outside])
    assert not np.array_equal(after.onset, base.onset)


def test_a_redraw_is_held_in_its_shortest_form():
    settings = GenerationSettings("Ada", redraw=" 9-12:077, 5-5:3 ")
    assert settings.redraw == "9-12:77,5:3"
    assert settings.edits == (Edit(9, 12, 77), Edit(5, 5, 3))
    assert settings.with_edits(settings.edits[:1]).redraw == "9-12:77"
    assert settings.with_edits([]) == GenerationSettings("Ada")
    assert GenerationSettings("Ada", redraw=" ").edits == ()


def test_edits_say_who_draws_and_kept_bars_whose_they_are():
    settings = GenerationSettings("Ada", redraw="9-12:77:amt,5:3:prism,1:2:form")
    assert settings.edits == (Edit(9, 12, 77, "amt"), Edit(5, 5, 3), Edit(1, 1, 2, "form"))
    assert settings.redraw == "9-12:77:amt,5:3,1:2:form"
    kept = GenerationSettings("Ada", keep=" Real:1-4, 13-13:05:form").kept
    assert kept == Kept("real", ((1, 4), (13, 13)), 5, "form") and str(kept) == "real:1-4,13:5:form"
    mine = GenerationSettings("Ada", keep="yours-0123456789ab:2").kept
    assert mine == Kept("yours", ((2, 2),), file="0123456789ab")
    assert GenerationSettings("Ada", keep="").kept is None
    assert GenerationSettings("Ada", form=" aaba ").form == "AABA"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("redraw", text) for text in ("9:7:me", "9:amt", "9:7:amt:8")),
        *(("keep", text) for text in ("real", "real:", "real:0-2", "real:4-2", "ours:1-4", "1-4")),
        *(("keep", text) for text in ("real:1-4,3-6", "real:1,2,3", "real-0123456789ab:1", 7)),
        *(("keep", text) for text in ("real:1-4:amt", "real:1:2147483648", "yours-01:1", "real:-")),
        *(("form", text) for text in ("AQ", "A-B", "A" * 65, 7)),
        *(("beats", number) for number in (63, 257, 100.5, "long")),
    ],
)
def test_what_is_no_setting_of_several_drawings_is_told(name, wrong):
    with pytest.raises(ValueError, match=f"^{name}: expected .*such as|^beats: expected a whole"):
        GenerationSettings("Ada", **{name: wrong})


def test_bars_are_read_by_hand():
    assert read_bars("9", "keep", 16) == ((9, 9),)
    assert read_bars(" 9-16 ", "keep", 16) == ((9, 16),)
    assert read_bars("01-4, 5,13-16", "keep", 16, 3) == ((1, 4), (5, 5), (13, 16))
    assert read_bars("300-310", "bars", 400) == ((300, 310),)


# Of up to two groups of 40 bars: what is no such thing, and what should stand there.
NO_BARS = {
    "": "bars such as 9 or 9-12, or groups such as 1-4,13-16, got nothing",
    "one": "bars such as 9 or 9-12, or groups such as 1-4,13-16, got 'one'",
    "1-8-9": "bars such as 9 or 9-12, or",
    "-3": "bars such as 9 or 9-12, or",
    "1-4,": "bars such as 9 or 9-12, or",
    "９": "bars such as 9 or 9-12, or",
    "9" * 12: "bars such as 9 or 9-12, or",
    "4-3": "the lower bar first, such as 3-4, got '4-3'",
    "0-3": "bars from 1 to 40, such as 1-8, got '0-3'",
    "3-0": "bars from 1 to 40, such as 1-8, got '3-0'",
    "41": "bars from 1 to 40, such as 1-8, got '41'",
    "5-6,2-3": "groups of bars that rise, such as 1-4,13-16: sort them and join what overlaps, got",
    "1-4,4-6": "groups of bars that rise, such as 1-4,13-16: sort them and join what overlaps, got",
    "1,2,3": "at most 2 groups of bars such as 1-4,13-16: leave out the others, got '1,2,3'",
}


@pytest.mark.parametrize(("wrong", "told"), NO_BARS.items())
def test_what_are_no_bars_is_told_with_what_to_write(wrong, told):
    with pytest.raises(SettingError) as fault:
        read_bars(wrong, "bars", 40, 2)
    assert str(fault.value).startswith(f"bars: expected {told}")


@pytest.mark.parametrize(
    ("setting", "text", "told"),
    [
        ("redraw", "12-9:7", "the lower bar first, such as 9-12, got '12-9'"),
        ("redraw", "1:1,0:7", "bars from 1 to 256, such as 1-8, got '0'"),
        ("redraw", "257:1", "bars from 1 to 256, such as 1-8, got '257'"),
        ("redraw", "a:1", "bars such as 9 or 9-12, got 'a'"),
        ("keep", "real:4-2", "the lower bar first, such as 2-4, got '4-2'"),
        ("keep", "real:1,2,3:7", "at most 2 groups of bars such as 1-4,13-16: leave out the"),
    ],
)
def test_settings_tell_what_is_wrong_with_their_bars(setting, text, told):
    with pytest.raises(SettingError) as fault:
        GenerationSettings("Ada", **{setting: text})
    assert str(fault.value).startswith(f"{setting}: expected {told}")


@pytest.mark.parametrize(
    "wrong",
    ["9-12", "9:2147483648", "9:-1", "9:7;8:1", 7, [(1, 2, 3)], "1:1," * 17]
    + ["9:7,", ":7", ",".join(["1:1"] * 17)],
)
def test_what_is_no_redraw_is_told(wrong):
    with pytest.raises(ValueError, match="redraw: expected bars and a seed such as 9-12:77 or"):
        GenerationSettings("Ada", redraw=wrong)


def test_bars_that_there_are_not_are_told(keyed):
    with pytest.raises(ValueError, match="redraw: expected bars from 1 to 16, .*, got '16-17'"):
        keyed(seed=1, redraw="16-17:7", **CALL)


def test_a_link_carries_the_edits():
    settings = GenerationSettings(
        "Ada", seed=7, redraw="9-12:77,5:3:amt", keep="real:1-4,13:5", form="AABA", beats=128
    )
    assert query(settings).endswith("&keep=real:1-4,13:5&redraw=9-12:77,5:3:amt")
    link = read_query(QueryParams(query(settings)).multi_items(), OFFERED)
    assert link.complete and link.settings == settings
    wrong = read_query(QueryParams("composers=Ada&redraw=9").multi_items(), OFFERED)
    assert wrong.faults[0].startswith("The link's redraw: expected bars and a seed")


def test_the_source_goes_on_from_the_version_before(keyed, monkeypatch):
    """With the same notes as from the beginning, which it draws where nothing is left."""
    base = GenerationSettings(seed=1, **CALL)
    first, both = (base.with_edits([Edit(3, 3, 5), Edit(9, 10, 6)][:n]) for n in (1, 2))
    fresh = PrismSource(Loader(lambda: keyed), Scheduler()).piece(both)
    source, seeds, previews = PrismSource(Loader(lambda: keyed), Scheduler()), [], keyed._previews
    monkeypatch.setattr(keyed, "_previews", lambda s, i, *o: seeds.append(i) or previews(s, i, *o))
    versions = [source.piece(settings) for settings in (base, first, both)]
    assert seeds == [[1], [5], [6]]
    assert versions[2].roll == fresh.roll and versions[1].roll != versions[2].roll
    assert "redrawn 3:5,9-10:6" in versions[2].detail
    assert versions[2].name.startswith("prism-Ada-seed-1-redrawn-2-9-10-6-")
    assert "redraw: 3:5,9-10:6" in versions[2].lines
    assert source.piece(first).roll == versions[1].roll and len(seeds) == 3
