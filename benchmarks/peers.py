"""Runs one case on every runtime in turn: A B C A B C, each in a process of its own."""

import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
RUNTIMES = {
    "vitc": "vitc",
    "openvino": "OpenVINO",
    "openvino_onnx": "OpenVINO (ONNX)",
    "onnxruntime": "ONNX Runtime",
    "zentorch": "zentorch",
    "pytorch": "PyTorch",
    "inductor": "Inductor",
}
# What keeps each runtime to AVX2. OpenVINO wants its own and oneDNN's to agree; PyTorch's products
# are MKL's or oneDNN's; Inductor would have the C++ compiler use all that this processor has.
AVX2 = {
    "VITC_ISA": "v3",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OV_CPU_MAX_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "TORCHINDUCTOR_CPP_MARCH": "x86-64-v3",
}
START_LIMIT = 300  # seconds until the first output; Inductor compiles C++ in this time


class Unavailable(Exception):
    """A runtime that cannot run the case, and why."""


class Runtime:
    """A worker process, stopped (SIGSTOP) whenever it is not asked for something, so that no
    thread of it spins while another runtime is timed."""

    def __init__(self, name, case, bench, properties=None):
        """`properties`: of OpenVINO, beside those that all rows have."""
        self.name = name
        folder = bench.folder(case.model)
        suffix = case.lowered + ("-avx2" if case.avx2 else "")
        self.result = folder / f"b{case.batch}" / f"{name}{suffix}.npy"
        job = {
            "runtime": name,
            "timm": case.model.timm,
            "size": case.model.size,
            "output": case.model.output,
            "batch": case.batch,
            "threads": case.threads,
            "folder": str(folder),
            "precision": case.precision,
            "avx2": case.avx2,
            "properties": properties or {},
            "library": str(bench.library(case)),
            "result": str(self.result),
        }
        environment = dict(os.environ)
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[variable] = str(case.threads)
        environment |= AVX2 if case.avx2 else {}
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(bench.work / "inductor")
        interpreter = bench.zentorch if name == "zentorch" else sys.executable
        self.log = open(self.result.with_suffix(".log"), "w")
        self.spawned_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.process = subprocess.Popen(
            [interpreter, str(HERE / "worker.py"), json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment,
        )
        self.first = self._answer(START_LIMIT)
        if "failure" in self.first:
            self.close()
            raise Unavailable(self.first["failure"])
        self._signal(signal.SIGSTOP)

    def _signal(self, number):
        self.process.send_signal(number)

    def _answer(self, limit):
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.close()
        if not ready:
            raise Unavailable(f"no answer in {limit} s")
        raise Unavailable(f"its process ended; see {Path(self.log.name).name}")

    def times(self, seconds, least, most):
        """Milliseconds of the runs of one turn, the one that warms up left out."""
        self._signal(signal.SIGCONT)
        print(json.dumps([seconds, least, most]), file=self.process.stdin, flush=True)
        answer = self._answer(START_LIMIT)
        self._signal(signal.SIGSTOP)
        return answer

    def close(self):
        if self.process.poll() is None:
            self.process.kill()  # also ends a stopped process
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def differences(output, golden):
    """How far an output is from PyTorch's in float64."""
    output, golden = output.astype("f8"), golden.reshape(output.shape)
    norm = numpy.linalg.norm(golden)
    return {
        "l2": float(numpy.linalg.norm(output - golden) / norm),
        "max": float(abs(output - golden).max() / (norm / golden.size**0.5)),
        "cosine": float(
            (output.ravel() @ golden.ravel()) / (numpy.linalg.norm(output) * norm)
        ),
    }


def verified(output, golden, case):
    """The differences; ends the benchmark if vitc's output is not PyTorch's."""
    if output.size != golden.size:
        raise SystemExit(f"{case.label}: {output.shape} values, PyTorch has {golden.shape}")
    found = differences(output, golden)
    most, least = case.limits
    if not (found["l2"] <= most and found["cosine"] >= least):
        raise SystemExit(
            f"{case.label}: the output is not PyTorch's: relative L2 {found['l2']:.1e} "
            f"(at most {most:.0e}), cosine {found['cosine']:.9f}"
        )
    return found


def start(names, case, bench):
    """The runtimes that run the case, by name, their outputs checked; the reasons of the others."""
    running, errors, missing = {}, {}, {}
    golden = numpy.load(bench.folder(case.model) / f"b{case.batch}" / "golden.npy")
    for name in names:
        try:
            runtime = Runtime(name, case, bench)
        except Unavailable as reason:
            if name == "vitc":
                raise SystemExit(f"{case.label}: vitc: {reason}")
            print(f"  {RUNTIMES[name]}: left out: {reason}", file=sys.stderr)
            missing[name] = str(reason)
            continue
        running[name] = runtime
        output = numpy.load(runtime.result)
        if name == "vitc":
            errors[name] = verified(output, golden, case)
        else:
            errors[name] = differences(output, golden)
    return running, errors, missing


def measure(running, settings):
    """Milliseconds by name, a list for each round. The order rotates from round to round."""
    times = {name: [] for name in running}
    for turn in range(settings.rounds):
        order = list(running)
        turn %= len(order)
        for name in order[turn:] + order[:turn]:
            times[name].append(running[name].times(settings.seconds, settings.least, 200))
    return times


def run_case(case, bench, settings):
    """One row: what each runtime took, and by how much vitc is faster."""
    names = bench.runtimes(case)
    print(f"{case.label}: {', '.join(names)}", file=sys.stderr)
    running = {}
    try:
        running, errors, missing = start(names, case, bench)
        times = measure(running, settings)
        versions = {name: runtime.first["version"] for name, runtime in running.items()}
    finally:
        for runtime in running.values():
            runtime.close()
    results = {}
    for name, rounds in times.items():
        flat = [value for turn in rounds for value in turn]
        results[name] = {
            "version": versions[name],
            "min_ms": min(flat),
            "median_ms": statistics.median(flat),
            "error": errors[name],
            "rounds_ms": [[round(value, 4) for value in turn] for turn in rounds],
        }
        print(
            f"  {RUNTIMES[name]:12} min {min(flat):9.2f} ms, median "
            f"{results[name]['median_ms']:9.2f} ms, "
            f"{min(flat) / results['vitc']['min_ms']:5.2f} x vitc, "
            f"relative L2 error {errors[name]['l2']:.1e}",
            file=sys.stderr,
        )
    return {
        "case": case.label,
        "model": case.model.timm,
        "batch": case.batch,
        "threads": case.threads,
        "precision": case.precision,
        "results": results,
        "missing": missing,
    }
