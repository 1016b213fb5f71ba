"""Threads, forks and pools of processes: the same bits everywhere, and nothing hangs."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest

import vitc

MODEL: vitc.Model | None = None


def run(model: vitc.Model, images: numpy.ndarray) -> numpy.ndarray:
    return model(images)["logits"]


def run_global(images: numpy.ndarray) -> numpy.ndarray:
    assert MODEL is not None
    return MODEL(images)["logits"]


def living(model: vitc.Model) -> int:
    gc.collect()
    return len(model._contexts._living)


def test_threads_run_at_once(digits: Path, images) -> None:
    with vitc.load(digits, threads=2) as model, ThreadPoolExecutor(6) as pool:
        expected = [run(model, images[i : i + 5]) for i in range(0, 100, 5)]
        for _ in range(5):
            found = pool.map(lambda i: run(model, images[i : i + 5]), range(0, 100, 5))
            for a, b in zip(found, expected, strict=True):
                assert numpy.array_equal(a, b)
        assert 1 <= living(model) <= 7


def test_a_thread_takes_its_context_along(model: vitc.Model, images) -> None:
    run(model, images[:1])
    assert living(model) == 1
    for _ in range(3):
        thread = threading.Thread(target=run, args=(model, images[:1]))
        thread.start()
        thread.join()
    assert living(model) == 1


def test_close_waits_for_runs(digits: Path, images) -> None:
    many = numpy.concatenate([images] * 4)
    for _ in range(5):
        model = vitc.load(digits, threads=2)
        started, results = threading.Event(), []

        def work() -> None:
            model(images[:1])
            started.set()
            while True:
                try:
                    results.append(run(model, many))
                except vitc.ClosedError:
                    return

        thread = threading.Thread(target=work)
        thread.start()
        started.wait(60)
        time.sleep(0.01)
        model.close()
        thread.join(60)
        assert not thread.is_alive()
        for result in results:
            assert numpy.isfinite(result).all()


def child(work: Any) -> int:
    """Forks, does the work in the child, returns its exit code; 99 if it hangs."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            signal.alarm(60)
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_a_forked_child_goes_on(model: vitc.Model, images) -> None:
    """As under gunicorn --preload: loaded and run before the fork."""
    expected = run(model, images[:8])
    # More than one generation.
    def again() -> bool:
        same = numpy.array_equal(run(model, images[:8]), expected)
        return same and child(lambda: numpy.array_equal(run(model, images[:8]), expected)) == 0

    assert child(again) == 0
    assert child(again) == 0
    assert numpy.array_equal(run(model, images[:8]), expected)


def test_a_fork_while_others_run(model: vitc.Model, images) -> None:
    expected = run(model, images[:8])
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            run(model, images[:50])

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert child(lambda: numpy.array_equal(run(model, images[:8]), expected)) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_child_may_close(model: vitc.Model, images) -> None:
    expected = run(model, images[:2])

    def work() -> bool:
        model.close()
        try:
            model(images[:2])
        except vitc.ClosedError:
            return True
        return False

    assert child(work) == 0
    assert numpy.array_equal(run(model, images[:2]), expected)


def test_a_child_loads_what_nobody_did(digits: Path, model: vitc.Model, images) -> None:
    expected = run(model, images[:2])

    def work() -> bool:
        with vitc.load(digits, threads=1) as other:
            return numpy.array_equal(run(other, images[:2]), expected)

    assert child(work) == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes(model: vitc.Model, images, method: str) -> None:
    global MODEL
    expected = [run(model, images[i : i + 5]) for i in range(0, 20, 5)]
    MODEL = model
    try:
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            work = [pool.submit(run, model, images[i : i + 5]) for i in range(0, 20, 5)]
            found = [task.result(timeout=120) for task in work]
            if method == "fork":
                found += list(pool.map(run_global, [images[i : i + 5] for i in range(0, 20, 5)]))
    finally:
        MODEL = None
    for index, result in enumerate(found):
        assert numpy.array_equal(result, expected[index % 4])


def test_a_signal_handler_gets_an_error(model: vitc.Model, images) -> None:
    """A run from within a run of the same thread is refused, not waited for."""
    with model._contexts.use(), pytest.raises(vitc.VitError, match="in a run already"):
        model(images[:1])
    model(images[:1])
