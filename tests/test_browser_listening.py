"""Blind listening in a real browser: nothing tells before the vote, everything after it."""

from __future__ import annotations

import re

from prism.service.listening import music_to_judge, stored_pieces


def names() -> list[str]:
    """What would tell a source: titles, details and files' names of all that can be heard."""
    pieces = [piece for m in music_to_judge() for piece in stored_pieces(m).values()]
    words = {word for p in pieces for word in (p.title, p.detail, p.caption, p.name)}
    return sorted(words - {"Prism", "AMT"})


def test_nothing_tells_before_the_vote_and_all_is_told_after(visit):
    page = visit(link="?mode=blind")
    panel, bodies = page.locator(".prism-listening"), []
    panel.get_by_role("button", name="Begin").wait_for()
    assert not page.locator(".prism-first").is_visible()
    page.on("response", lambda r: "audio" in r.headers.get("content-type", "") or bodies.append(r))
    panel.get_by_role("button", name="Begin").click()
    for question in ("Which one did a person write?", "Which do you like best?"):
        panel.get_by_text(question).wait_for()
        panel.locator(".prism-player").nth(2).wait_for()
        seen = panel.evaluate("e => e.outerHTML")
        assert not re.search(r"prism-from|corpus|amt|(?<!-)\bprism\b(?!-)", seen, re.IGNORECASE)
        assert not [name for name in names() if name in page.content()]
        page.wait_for_load_state()
        panel.get_by_role("radio").nth(1).check()
        if question.startswith("Which one"):
            panel.get_by_role("button", name="Answer").click()
    panel.get_by_role("button", name="Answer").click()
    panel.get_by_role("button", name="Next round").wait_for()
    panel.get_by_text("You so far").wait_for()
    assert [name for name in names() if name in panel.inner_text()]
    assert bodies
