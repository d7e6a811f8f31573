"""The one thread in which the models work."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from prism.service.loading import Loader
from prism.service.worker import Worker


def test_everything_runs_in_one_thread_that_is_not_the_callers():
    worker = Worker()
    with ThreadPoolExecutor(4) as callers:
        found = {*callers.map(lambda _: worker.run(threading.get_ident), range(20))}
    found |= {Loader(threading.get_ident, worker).get()}
    found |= {*worker.iterate(threading.get_ident() for _ in range(3))}
    assert len(found) == 1 and threading.get_ident() not in found


def test_two_who_iterate_take_turns():
    worker, made = Worker(), []

    def items(name):
        for number in range(3):
            made.append(name + str(number))
            yield number

    pairs = list(zip(worker.iterate(items("a")), worker.iterate(items("b")), strict=True))
    assert pairs == [(0, 0), (1, 1), (2, 2)]
    assert made == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_what_is_raised_there_is_raised_here():
    def broken():
        yield 1
        raise ValueError("no more")

    worker = Worker()
    items = worker.iterate(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert worker.run(int, "7") == 7


def test_leaving_early_closes_the_generator():
    closed = []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    items = Worker().iterate(endless())
    next(items)
    items.close()
    assert closed == ["prism-models_0"]


def test_cores_are_limited_for_those_items_alone():
    worker = Worker()
    usual = worker.run(torch.get_num_threads)
    limited = list(worker.iterate((torch.get_num_threads() for _ in range(2)), cores=1))
    assert limited == [1, 1]
    assert worker.run(torch.get_num_threads) == usual
