"""The results as Markdown, and as JSON that a person can read."""

import json
import re

from matrix import plural
from peers import RUNTIMES


def compact(data) -> str:
    """Indented JSON with lists of numbers on one line."""
    text = json.dumps(data, indent=1)
    return re.sub(r"\[\s*(-?[\d.e+-]+(?:,\s*-?[\d.e+-]+)*)\s*\]", squeeze, text)


def squeeze(match) -> str:
    return "[" + re.sub(r"\s+", " ", match[1]) + "]"


def best_peer(row):
    """The name of the peer with the shortest run; None if vitc ran alone."""
    peers = {name: r["min_ms"] for name, r in row["results"].items() if name != "vitc"}
    return min(peers, key=peers.get) if peers else None


def ratio(row, name, field="min_ms") -> float:
    """How many times as long as vitc a runtime takes."""
    return row["results"][name][field] / row["results"]["vitc"][field]


def columns(data) -> list:
    """The runtimes that are in any row, in the order of RUNTIMES."""
    return [name for name in RUNTIMES if any(name in row["results"] for row in data["matrix"])]


def table(head, rows) -> list:
    """A Markdown table; every column but the first is a number."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


def ms(value) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def megabytes(count) -> str:
    return f"{count / 1e6:.1f}"


def matrix(data) -> list:
    names = columns(data)
    head = ["minimum / median, ms", *(RUNTIMES[name] for name in names)]
    head += ["best peer / vitc, minima", "medians"]
    rows = []
    for row in data["matrix"]:
        cells = [row["case"]]
        for name in names:
            found = row["results"].get(name)
            cells.append(f"{ms(found['min_ms'])} / {ms(found['median_ms'])}" if found else "–")
        best = best_peer(row)
        if best:
            peers = [name for name in row["results"] if name != "vitc"]
            median = min(ratio(row, name, "median_ms") for name in peers)
            cells += [f"**{ratio(row, best):.2f}**", f"{median:.2f}"]
        rows.append(cells + ["–"] * (len(head) - len(cells)))
    return table(head, rows)


def errors(data) -> list:
    names = columns(data)
    rows = []
    for row in data["matrix"]:
        found = row["results"]
        cells = [f"{found[name]['error']['l2']:.1e}" if name in found else "–" for name in names]
        own = found["vitc"]["error"]
        rows.append([row["case"], *cells, f"{own['max']:.1e}", f"{1 - own['cosine']:.0e}"])
    head = ["relative L2 error", *(RUNTIMES[name] for name in names)]
    return table([*head, "vitc, largest / rms", "vitc, 1 - cosine"], rows)


def without_threads(row) -> str:
    """What a row measures but for its threads: the model and its image size, which the name of
    timm does not tell, batch and, if not f32, precision."""
    return row["case"].replace(f", {plural(row['threads'], 'thread')}", "")


def scaling(data) -> list:
    """How much faster two threads are than one, where both were measured."""
    times = {(without_threads(row), row["threads"]): row["results"] for row in data["matrix"]}
    lines = []
    for (name, threads), two in times.items():
        one = times.get((name, 1))
        if threads == 2 and one:
            cells = [
                f"{RUNTIMES[peer]} {one[peer]['min_ms'] / two[peer]['min_ms']:.2f}"
                for peer in RUNTIMES
                if peer in one and peer in two
            ]
            lines.append(f"- {name}: {', '.join(cells)}")
    return ["From one thread to two, ratio of minima:", "", *lines, ""] if lines else []


def peak(data) -> list:
    head = ["`vitc bench`", "threads", "min ms", "GFLOP/s", "peak GFLOP/s", "of peak"]
    rows = []
    for row in data["peak"]:
        numbers = f"{row['gflops']:.0f}", f"{row['peak_gflops']:.0f}"
        rows.append(
            [row["case"], str(row["threads"]), ms(row["min_ms"]), *numbers]
            + [f"{row['percent_of_peak']:.1f} %"]
        )
    text = "Floating-point operations that are really done, against fused multiply-adds in registers:"
    return ["## Close to the machine", "", text, "", *table(head, rows)]


def compiling(data) -> list:
    head = ["`vitc compile` from safetensors", "s", "peak MB", "checkpoint MB", "library MB"]
    rows = [
        [
            row["model"],
            f"{row['seconds']:.2f}",
            *(megabytes(row[key]) for key in ("resident_peak", "checkpoint", "library")),
        ]
        for row in data["compile"]
    ]
    return ["## Compile time", "", *table(head, rows)]


def cold(data) -> list:
    head = ["ViT-B/16, page cache warm", "min ms", "median ms", "from exec, ms"]
    head += ["resident MB", "peak MB", "weights MB"]
    rows = []
    for name, row in data["coldstart"].items():
        sizes = (megabytes(row[key]) for key in ("resident", "resident_peak", "weights"))
        started = row.get("exec_min_ms", row["min_ms"])
        times = ms(row["min_ms"]), ms(row["median_ms"]), ms(started)
        rows.append([f"{RUNTIMES[name.split()[0]]}: {row['what']}", *times, *sizes])
    note = (
        "The peers are measured without interpreter and imports in the first two columns, with "
        "them in the third. Memory is that of the whole process after its first output."
    )
    return ["## Cold start and memory", "", note, "", *table(head, rows)]


def under_load(data) -> list:
    head = ["median, ms", "quiet", "one core busy", "ratio"]
    rows = [
        [RUNTIMES[name], ms(row["quiet_median_ms"]), ms(row["busy_median_ms"])]
        + [f"{row['ratio']:.2f}"]
        for name, row in data["load"]["results"].items()
    ]
    return ["## Under load", "", f"{data['load']['case']}.", "", *table(head, rows)]


def markdown(data, name) -> str:
    machine = data["machine"]
    versions, missing = {}, {}
    for row in data["matrix"]:
        versions |= {name: result["version"] for name, result in row["results"].items()}
        for name, why in row["missing"].items():
            missing.setdefault((name, why), []).append(row["case"])
    lines = [
        f"# vitc and its peers on {machine['cpu']}",
        "",
        f"{machine['date']}; {machine['processors']} processors, {machine['memory_gb']:.0f} GB"
        + (", a virtual machine" if machine["virtual"] else "")
        + f"; {', '.join(machine['instructions'])}; {machine['system']}.",
        "",
        *(
            f"- {run['time']}: {', '.join(run['measured'])}, "
            f"{plural(run['rounds'], 'round')}, {run['duration_seconds']:.0f} s; load average at "
            f"start {run['load_at_start']}, {run['stolen_seconds']} s of processor time taken "
            "away by the host"
            for run in data["runs"]
        ),
        "",
    ]
    if versions:
        listed = ", ".join(
            f"{RUNTIMES[name]} {versions[name]}" for name in RUNTIMES if name in versions
        )
        lines += [
            f"Float32 unless the row names another. {listed}.",
            "",
            f"![Latency beside vitc]({name}.svg)",
            "",
            "Interleaved rounds; minimum and median of all timed runs. The ratios are the best "
            "peer's time divided by vitc's: above 1, vitc is faster.",
            "",
            *matrix(data),
            *scaling(data),
            "Distance of the outputs from PyTorch in float64:",
            "",
            *errors(data),
        ]
        lines += [
            f"- {RUNTIMES[name]} was left out of {'; '.join(cases)}: {why}"
            for (name, why), cases in missing.items()
        ]
        lines += [""] if missing else []
    for part, text in [
        ("peak", peak),
        ("compile", compiling),
        ("coldstart", cold),
        ("load", under_load),
    ]:
        if data[part]:
            lines += text(data)
    lines.append("`make bench-peers` makes this file; the JSON beside it has every run.")
    return "\n".join(lines) + "\n"
