#!/usr/bin/env python3
"""One runtime in a process of its own: worker.py JOB, a JSON object (see `Runtime` in peers.py).

Writes one JSON line when the first output is there, then answers each line [seconds, least, most]
with a list of milliseconds: one run to warm up, then timed ones for that long.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent


def torchao_int8(model, avx2) -> None:
    """PyTorch's own quantization, of linear layers: weights by channel, activations by token while
    the model runs. Without VNNI, sums of products of 8 bits overflow: then it takes 7."""
    import torch
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
    from torchao.utils import should_reduce_range

    reduced = avx2 or should_reduce_range(torch.device("cpu"))
    quantize_(model, Int8DynamicActivationInt8WeightConfig(reduce_range=reduced))


def open_pytorch(job, images, compile=None):
    import torch
    from export import build

    torch.set_num_threads(job["threads"])
    started = time.perf_counter()
    model = build(job["timm"], job["size"], job["output"], Path(job["folder"], "model.safetensors"))
    pixels = torch.from_numpy(images)
    # What torchao does not quantize is faster in bf16 where oneDNN has instructions for it.
    quick = torch.ops.mkldnn._is_mkldnn_bf16_supported() and not job["avx2"]
    if job["precision"] == "bf16" or (job["precision"] == "int8" and quick):
        model, pixels = model.to(torch.bfloat16), pixels.to(torch.bfloat16)
    if job["precision"] == "int8":
        torchao_int8(model, job["avx2"])
    if compile is not None:
        model = compile(model)

    def run():
        with torch.inference_mode():
            return model(pixels).float().numpy()

    return run, torch.__version__, started


def open_inductor(job, images):
    import torch
    import torch._inductor.config

    # Constants are folded and weights packed once: faster, and what inference wants.
    torch._inductor.config.freezing = True
    return open_pytorch(job, images, torch.compile)


def open_zentorch(job, images):
    import torch
    import torch._inductor.config
    import zentorch

    # Without it zentorch changes nothing, and Inductor would be measured under its name.
    if not zentorch._C.is_avx512_supported():
        raise RuntimeError("zentorch needs a processor with AVX-512")
    torch._inductor.config.freezing = True
    run, _, started = open_pytorch(
        job, images, lambda model: torch.compile(model, backend="zentorch")
    )
    return run, zentorch.__version__.split("+")[0], started


def exported(job, file) -> str:
    """The path of an exported model; raises why there is none."""
    path = Path(job["folder"], f"b{job['batch']}", file)
    reason = path.with_name(path.name + ".failure")
    if reason.exists():
        raise RuntimeError(f"no export: {reason.read_text().strip()}")
    return str(path)


def open_openvino_onnx(job, images):
    return open_openvino(job, images, "model.onnx")


def nncf_int8(path, images):
    """OpenVINO's own quantization, by NNCF: of weights and, by what it sees of the images that are
    timed, of activations."""
    import nncf
    import openvino

    quantized = path.replace(".xml", "-int8.xml")
    if not Path(quantized).exists():
        model = nncf.quantize(
            openvino.Core().read_model(path),
            nncf.Dataset([images]),
            model_type=nncf.ModelType.TRANSFORMER,
        )
        openvino.save_model(model, quantized, compress_to_fp16=False)
    return quantized


def open_openvino(job, images, file="model.xml"):
    import openvino

    core = openvino.Core()
    path = exported(job, file)
    if job["precision"] == "int8":
        path = nncf_int8(path, images)
    started = time.perf_counter()
    compiled = core.compile_model(
        path,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            # By itself it takes bf16 on some CPUs; what is not quantized is faster so.
            "INFERENCE_PRECISION_HINT": "f32" if job["precision"] == "f32" else "bf16",
            "INFERENCE_NUM_THREADS": job["threads"],
            **job["properties"],
        },
    )
    request = compiled.create_infer_request()

    def run():
        return request.infer({0: images}, share_inputs=True, share_outputs=True)[0]

    return run, openvino.__version__.split("-")[0], started


def dynamic_int8(path):
    """ONNX Runtime's own quantization: weights by channel, activations while the model runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantized = path.replace(".onnx", "-int8.onnx")
    if not Path(quantized).exists():
        quantize_dynamic(
            path,
            quantized,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    return quantized


def open_onnxruntime(job, images):
    import machine
    import onnxruntime

    if job["avx2"] and "avx512f" in machine.describe()["instructions"]:
        raise RuntimeError("ONNX Runtime has no setting that keeps it from AVX-512")
    started = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    path = exported(job, "model.onnx")
    if job["precision"] == "int8":
        path = dynamic_int8(path)
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return (lambda: session.run(None, feed)[0]), onnxruntime.__version__, started


def open_vitc(job, images):
    from vitlib import CompiledModel

    started = time.perf_counter()
    model = CompiledModel(job["library"], job["threads"])
    output = next(iter(model.outputs))
    return (lambda: model.run(images)[output]), model.compiler_version, started


def resident(field: str) -> int:
    """Bytes of this process in memory: now (VmRSS), or at most so far (VmHWM)."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines[field].split()[0]) * 1024


def measure(run, seconds, least, most):
    run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or (len(times) < most and time.perf_counter() < end):
        started = time.perf_counter()
        run()
        times.append((time.perf_counter() - started) * 1e3)
    return times


def main() -> None:
    # Messages go to the real standard output; whatever a runtime prints does not.
    messages = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    job = json.loads(sys.argv[1])
    sys.path[:0] = [str(HERE), str(HERE.parent / "Scripts")]
    from export import rows

    images = numpy.load(Path(job["folder"], f"b{job['batch']}", "input.npy"))
    try:
        run, version, started = globals()[f"open_{job['runtime']}"](job, images)
        output = run()
        now = time.perf_counter()
        first = {
            "version": version,
            "open_ms": (now - started) * 1e3,
            "monotonic_ns": time.clock_gettime_ns(time.CLOCK_MONOTONIC),
            "resident": resident("VmRSS"),
            "resident_peak": resident("VmHWM"),
        }
        numpy.save(job["result"], rows(output))
    except Exception as error:  # whatever a missing or failing runtime raises is reported
        first = {"failure": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps(first), file=messages, flush=True)
    if "failure" in first:
        return
    for line in sys.stdin:
        print(json.dumps(measure(run, *json.loads(line))), file=messages, flush=True)


if __name__ == "__main__":
    main()
