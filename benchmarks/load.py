"""Latency of ViT-B/16 under load: with and without another process that keeps one core busy."""

import os
import statistics
import subprocess
import sys
import time

from matrix import BASE, Case
from peers import RUNTIMES, start

BUSY = "import os\nos.sched_setaffinity(0, {%d})\nprint(flush=True)\nwhile True: pass"


class BusyCore:
    """Inside a `with`: a process that computes on one core and nowhere else."""

    def __init__(self, core):
        self.core = core

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", BUSY % self.core], stdout=subprocess.PIPE
        )
        self.process.stdout.readline()  # it is pinned and runs
        time.sleep(0.1)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def measure(bench, settings):
    """By runtime: the medians quiet and under load. Quiet and loaded turns alternate."""
    case = Case(BASE, 1, min(2, os.cpu_count()))
    core = max(os.sched_getaffinity(0))
    names = bench.runtimes(case)
    running, times = {}, {}
    try:
        running, _, _ = start(names, case, bench)
        for _ in range(settings.rounds):
            for name, runtime in running.items():
                quiet, busy = times.setdefault(name, ([], []))
                quiet += runtime.times(settings.seconds, settings.least, 200)
                with BusyCore(core):
                    # Longer: the scheduler's turns are some ms each.
                    busy += runtime.times(2 * settings.seconds, settings.least + 2, 200)
    finally:
        for runtime in running.values():
            runtime.close()
    results = {}
    for name, (quiet, busy) in times.items():
        quiet_ms, busy_ms = statistics.median(quiet), statistics.median(busy)
        results[name] = {
            "quiet_median_ms": quiet_ms,
            "busy_median_ms": busy_ms,
            "busy_max_ms": max(busy),
            "ratio": busy_ms / quiet_ms,
            "quiet_ms": [round(value, 4) for value in quiet],
            "busy_ms": [round(value, 4) for value in busy],
        }
        print(
            f"  under load: {RUNTIMES[name]:12} median {quiet_ms:8.2f} ms quiet, "
            f"{busy_ms:8.2f} ms busy, {busy_ms / quiet_ms:.2f} x",
            file=sys.stderr,
        )
    return {"case": case.label, "core": core, "results": results}
