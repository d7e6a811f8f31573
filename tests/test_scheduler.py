"""The one thread in which the models work, and who goes first there."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from prism.service.log import Requests
from prism.service.scheduler import Priority, Scheduler

WAIT_SECONDS = 10


class Held:
    """A scheduler that is busy until it is let go, so that the order of what waits can be seen."""

    def __init__(self):
        self.scheduler, self.order, self.callers = Scheduler(), [], []
        self.gate, begun = threading.Event(), threading.Event()
        hold = lambda: begun.set() or self.gate.wait(WAIT_SECONDS)  # noqa: E731
        self._call(lambda: self.scheduler.run(hold, priority=Priority.GENERATE))
        assert begun.wait(WAIT_SECONDS)

    def _call(self, function, whose=""):
        waiting = len(self.scheduler._jobs)
        with Requests().answering("test", whose) as context:
            caller = threading.Thread(target=context.run, args=[function])
        caller.start()
        self.callers.append(caller)
        return waiting

    def ask(self, name, priority, steps=1, whose=""):
        def made():
            for _ in range(steps):
                self.order.append(name)
                yield name

        waiting = self._call(lambda: list(self.scheduler.iterate(made(), priority)), whose)
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.scheduler._jobs) == waiting and time.monotonic() < deadline:
            time.sleep(0.001)

    def served(self):
        self.gate.set()
        for caller in self.callers:
            caller.join(WAIT_SECONDS)
        return "".join(self.order)


def test_everything_runs_in_one_thread_that_is_not_the_callers():
    scheduler = Scheduler()
    with ThreadPoolExecutor(4) as callers:
        found = {*callers.map(lambda _: scheduler.run(threading.get_ident), range(20))}
    found |= {*scheduler.iterate(threading.get_ident() for _ in range(3))}
    assert len(found) == 1 and threading.get_ident() not in found


def test_the_urgent_goes_first_and_equals_in_the_order_of_asking():
    held = Held()
    held.ask("n", Priority.NEAREST)
    held.ask("b", Priority.BASELINE, steps=3)
    held.ask("s", Priority.SCORE)
    held.ask("1", Priority.GENERATE, steps=2)
    held.ask("2", Priority.GENERATE, steps=2)
    assert held.served() == "1122bbbsn"


def test_a_preview_does_not_wait_for_somebodys_baseline_to_end():
    scheduler, written = Scheduler(), []

    def write():
        for note in range(10_000):
            written.append(note)
            time.sleep(0.001)
            yield note

    baseline = scheduler.iterate(write(), Priority.BASELINE)
    next(baseline)
    first = next(scheduler.iterate((len(written) for _ in range(3)), Priority.GENERATE))
    assert first < 10_000
    baseline.close()
    assert scheduler.run(int, "7") == 7 and len(written) < 10_000


def test_who_asks_for_much_keeps_nobody_waiting():
    held = Held()
    for _ in range(3):
        held.ask("a", Priority.GENERATE, whose="greedy")
    held.ask("b", Priority.GENERATE, whose="modest")
    held.ask("c", Priority.GENERATE)
    assert held.served() == "abcaa"


def test_what_is_raised_there_is_raised_here():
    def broken():
        yield 1
        raise ValueError("no more")

    scheduler = Scheduler()
    items = scheduler.iterate(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert scheduler.run(int, "7") == 7


def test_leaving_early_closes_the_generator():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            assert threading.current_thread().name == "prism-models"
            closed.set()

    items = Scheduler().iterate(endless())
    next(items)
    items.close()
    assert closed.wait(WAIT_SECONDS)


def test_none_is_kept_back_and_a_heartbeat_is_felt():
    scheduler, gate = Scheduler(), threading.Event()

    def slow():
        yield None
        gate.wait(WAIT_SECONDS)
        yield 1

    items = scheduler.iterate(slow(), heartbeat_seconds=0.01)
    assert next(items) is None
    gate.set()
    assert [item for item in items if item is not None] == [1]
    assert list(scheduler.iterate(iter([None, 2, None]))) == [2]
    assert scheduler.run(lambda: None) is None


def test_cores_are_limited_for_those_items_alone():
    scheduler = Scheduler()
    usual = scheduler.run(torch.get_num_threads)
    limited = list(scheduler.iterate((torch.get_num_threads() for _ in range(2)), cores=1))
    assert limited == [1, 1]
    assert scheduler.run(torch.get_num_threads) == usual


def test_giving_way_waits_for_the_visitors_own_urgent_work_alone():
    held = Held()
    passed = {}

    def give_way(whose):
        held.scheduler.give_way(Priority.BASELINE)
        passed[whose] = "".join(held.order)

    held.ask("a", Priority.GENERATE, whose="ann")
    held.ask("b", Priority.BASELINE, whose="ben")
    held._call(lambda: give_way("ben"), "ben")
    held.callers[-1].join(WAIT_SECONDS)
    held._call(lambda: give_way("ann"), "ann")
    assert passed == {"ben": ""}
    assert held.served() == "ab" and passed["ann"].startswith("a")
