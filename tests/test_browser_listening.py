"""Blind listening in a real browser: nothing tells before the vote, everything after it."""

from __future__ import annotations

import re

from prism.service.bundle import open_bundle
from prism.service.examples import read_examples
from prism.service.listening import music_to_judge

QUESTIONS = ("Which one did a person write?", "Which do you like best?")
# Of the panel alone: the page about it names the sources without a lane.
SOURCE = re.compile(
    r"prism-from|corpus|\bamt|held.out|generated|(?<!-)\bprism\b(?!-)", re.IGNORECASE
)
# Everything that the page is answered, also of streams that are never closed.
LISTEN = """
    const fetched = window.fetch;
    window.answers = [];
    window.fetch = async (...wanted) => {
        const answer = await fetched(...wanted);
        const read = async () => {
            const stream = answer.clone().body.pipeThrough(new TextDecoderStream()).getReader();
            const place = window.answers.push("") - 1;
            for (let more = await stream.read(); !more.done; more = await stream.read())
                window.answers[place] += more.value;
        };
        read().catch(() => {});
        return answer;
    };
"""
# Whether anything of the usual page was seen, however shortly.
GLANCE = """
    const look = () => {
        window.glanced ||= [...document.querySelectorAll('.prism-first, .prism-footer')]
            .some(part => part.offsetParent);
        requestAnimationFrame(look);
    };
    look();
"""
# All that was asked for is there.
ANSWERED = """() => {
    const asked = window.answers.filter(answer => answer.startsWith('{"event_id"'));
    const lines = window.answers.join("\\n").split("\\n");
    const done = lines.filter(line => line.includes("process_completed"));
    return asked.length && asked.every(a => done.some(l => l.includes(JSON.parse(a).event_id)));
}"""


# The colour of each lane, and what is painted in it.
LOOK = """panel => [...panel.querySelectorAll('.prism-player')].map(lane => ({
    colour: getComputedStyle(lane).getPropertyValue('--prism-source'),
    roll: lane.querySelector('canvas').toDataURL() }))"""
COLOURS = """['prism', 'corpus', 'amt']
    .map(name => getComputedStyle(document.body).getPropertyValue(`--prism-${name}`))"""


def names() -> set[str]:
    """What would tell a source: titles, details and files' names of all that can be heard."""
    stored = read_examples(open_bundle().path("examples")).examples
    pieces = [piece for one in music_to_judge(stored) for piece in one.pieces.values()]
    return {word for p in pieces for word in (p.title, p.detail, p.name)} - {"Prism", "AMT"}


def told(text: str) -> set[str]:
    return {name for name in names() if name in text}


def test_nothing_tells_before_the_vote_and_all_is_told_after(visit):
    page = visit(link="?mode=blind", script=LISTEN + GLANCE)
    panel = page.locator(".prism-listening")
    panel.get_by_role("button", name="Begin").wait_for()
    assert page.evaluate("window.glanced") is False
    # What it opens with is no part of the question.
    page.locator(".prism-status", has_text="Ready").first.wait_for(state="attached")
    page.wait_for_function(ANSWERED)
    page.evaluate("window.answers.fill('')")
    panel.get_by_role("button", name="Begin").click()
    for question in QUESTIONS:
        panel.get_by_text(question).wait_for()
        panel.locator(".prism-player[data-state=ready]").nth(2).wait_for()
        seen = panel.evaluate("panel => panel.outerHTML")
        answers = "".join(page.evaluate("window.answers"))
        assert question in answers
        assert "3.wav" in answers
        for text in (seen, answers):
            assert not SOURCE.search(text)
        assert not told(page.content() + answers)
        grey = panel.evaluate(LOOK)
        assert len({lane["colour"] for lane in grey}) == 1
        panel.get_by_role("radio").nth(1).check()
        panel.get_by_role("button", name="Answer").click()
    panel.get_by_text("You so far").wait_for()
    assert len(told(panel.inner_text())) >= 3
    coloured = panel.evaluate(LOOK)
    assert {lane["colour"] for lane in coloured} == set(page.evaluate(COLOURS))
    assert all(new["roll"] != old["roll"] for new, old in zip(coloured, grey, strict=True))
    panel.get_by_role("button", name="Next round").click()
    panel.get_by_text(QUESTIONS[0]).wait_for()
    panel.locator(".prism-player[data-source='']").nth(2).wait_for()
    assert told("".join(page.evaluate("window.answers")))  # so the search above can find them
