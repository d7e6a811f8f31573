"""Every answer reaches the page, whatever the order in which streams, joins and updates meet."""

from __future__ import annotations

import concurrent.futures
import json
import time

import gradio as gr
import httpx
import pytest

from prism.service.cards import scores_value
from prism.ui.cards import ScoreCard
from prism.ui.streams import ReliableBlocks

SESSION = "visitor"


def hello(name: str) -> str:
    return f"hello {name}"


@pytest.fixture
def address():
    """A page with one private event (0) and one public one (1)."""
    with ReliableBlocks(quiet=0.3) as page:
        name, said = gr.Textbox(), gr.Textbox()
        name.change(hello, name, said, api_visibility="private")
        name.submit(hello, name, said, api_name="hello")
    page.launch(prevent_thread_lock=True, quiet=True)
    yield page.local_url
    page.close()


def join(address: str, name: str, event: int = 0) -> str:
    body = {"data": [name], "fn_index": event, "session_hash": SESSION}
    return httpx.post(f"{address}gradio_api/queue/join", json=body).json()["event_id"]


def messages(address: str, received: list) -> float:
    """Read a stream to its end; the time at which that was."""
    path = f"{address}gradio_api/queue/data?session_hash={SESSION}"
    with httpx.stream("GET", path, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                received.append(json.loads(line.removeprefix("data: ")))
    return time.monotonic()


def answers(received: list) -> list:
    done = [m for m in received if m["msg"] == "process_completed"]
    return [(m["event_id"], m["output"]["data"]) for m in done if m["output"]]


def wait_until(is_true) -> None:
    for _ in range(1000):
        if is_true():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def test_a_stream_that_has_said_all_carries_the_next_event_too(address):
    received = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = join(address, "Ada")
        reading = pool.submit(messages, address, received)
        wait_until(lambda: len(answers(received)) == 1)
        second = join(address, "Bob")
        reading.result()
    assert answers(received) == [(first, ["hello Ada"]), (second, ["hello Bob"])]
    assert received[-1]["msg"] == "close_stream"


def test_whoever_asks_as_a_stream_ends_is_answered_after_its_end(address):
    received = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        join(address, "Ada")
        ended = pool.submit(messages, address, received).result()
        second = join(address, "Bob")
        assert time.monotonic() - ended > 0.1
    later = []
    messages(address, later)
    assert answers(later) == [(second, ["hello Bob"])]


def test_a_call_from_outside_ends_with_its_answer(address):
    call = httpx.post(f"{address}gradio_api/call/hello", json={"data": ["Ada"]}).json()
    path = f"{address}gradio_api/call/hello/{call['event_id']}"
    received = []
    join_id = join(address, "Eve", event=1)
    messages(address, received)
    assert httpx.get(path, timeout=30).text.startswith("event: complete")
    # No event of our own was waited for.
    assert [m["event_id"] for m in received if m["msg"] == "process_completed"] == [join_id]


def test_updates_are_sent_whole_after_the_first():
    with ReliableBlocks() as page:
        button, shown = gr.Button(), gr.JSON()
        button.click(lambda: None, None, [shown, shown])
    (event,) = page.fns.values()
    told = [
        page.handle_streaming_diffs(event, [value, 1], SESSION, "run", False)
        for value in ({"a": 1}, {"a": 2}, {"__type__": "update"})
    ]
    assert told == [
        [{"a": 1}, 1],
        [[["replace", [], {"a": 2}]], [["replace", [], 1]]],
        [[["replace", [], {"__type__": "update"}]], [["replace", [], 1]]],
    ]
    last = page.handle_streaming_diffs(event, [None, None], SESSION, "run", True)
    assert last == [{"__type__": "update"}, 1]
    assert not page.pending_diff_streams


def test_updates_that_come_before_their_events_name_are_all_shown(new_page):
    """Several updates are then handled at once, the last of which takes nothing back."""

    def show():
        yield gr.update(value="first")
        yield gr.skip()

    with ReliableBlocks() as blocks:
        button, before, shown = gr.Button("Show"), gr.Button("Before"), gr.Textbox()
        before.click(lambda: "earlier", None, shown, api_visibility="private")
        button.click(show, None, shown, api_visibility="private")
    blocks.launch(prevent_thread_lock=True, quiet=True)

    def late(route):
        answer = route.fetch()
        time.sleep(0.5)  # meanwhile the stream, which is open, tells all
        route.fulfill(response=answer)

    page = new_page()
    page.goto(blocks.local_url)
    page.get_by_role("button", name="Before").click()
    page.wait_for_function("document.querySelector('textarea').value === 'earlier'")
    page.route("**/queue/join*", late)
    page.get_by_role("button", name="Show").click()
    page.wait_for_function("document.querySelector('textarea').value === 'first'", timeout=9000)
    page.close()
    blocks.close()


def test_an_answer_that_was_overtaken_is_not_shown(new_page):
    def told(when: float) -> dict:
        return scores_value({}, {}, hint=f"made at {when}") | {"told": when}

    with ReliableBlocks() as blocks:
        card, button, done = ScoreCard(told(0)), gr.Button("Tell"), gr.Textbox(label="Done")
        both = iter([(told(2), "once"), (told(1), "twice")])
        button.click(lambda: next(both), None, [card, done])
    blocks.launch(prevent_thread_lock=True, quiet=True)
    try:
        page = new_page()
        page.goto(blocks.local_url)
        for word in ("once", "twice"):
            page.get_by_role("button", name="Tell").click()
            wait_until(lambda word=word: page.get_by_label("Done").input_value() == word)
        page.wait_for_timeout(200)
        assert page.locator(".prism-scores .hint").text_content() == "made at 2"
    finally:
        blocks.close()
