#!/usr/bin/env python3
"""The matrix as pictures: for each row, how many times as long as vitc each peer takes.

  benchmarks/plot.py RESULTS.json > SMALL.svg     the README's picture: known models, few rows
  benchmarks/plot.py --all RESULTS.json           every row of one image on all threads
"""

import argparse
import io
import json
import re
from pathlib import Path

from peers import RUNTIMES

# Colours that stay apart for colour-blind readers (Okabe and Ito), and marks that do without them.
STYLES = {
    "vitc": ("#d55e00", "o"),
    "openvino": ("#0072b2", "s"),
    "openvino_onnx": ("#004f7c", "D"),
    "onnxruntime": ("#56b4e9", "^"),
    "zentorch": ("#009e73", "P"),
    "pytorch": ("#777777", "X"),
    "inductor": ("#cc79a7", "v"),
}
# Longer times are marked at the edge, with a number.
LONGEST = 2.6
PRECISIONS = ("f32", "bf16", "int8")
# The rows of the small picture, as far as they are measured: what people use, and one of each kind.
KNOWN = (
    "ViT-Ti/16",
    "ViT-S/16",
    "ViT-B/16",
    "ViT-L/16",
    "DINOv2 ViT-S/14, all tokens, 518",
    "DINOv3 ViT-B/16 at 256",
    "CLIP ViT-L/14",
    "SigLIP 2 B/16 at 256",
    "SAM ViT-B at 1024",
    "ResNet R50x1",
    "Hybrid R50+ViT-B/16",
)


def name(case) -> str:
    """A row's name without what all rows of the picture share, and its precision."""
    return re.sub(r", (batch 1|[0-9]+ threads?|bf16|int8)\b", "", case)


def milliseconds(time) -> str:
    return f"{time:.0f}" if time >= 100 else f"{time:.3g}"


def plotter():
    """Matplotlib, set up; imported here, so that measuring needs none."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    # Texts are outlines, since a viewer's own font may be wider than the room that labels have; and
    # the same data gives the same file.
    pyplot.rcParams.update({"svg.fonttype": "path", "svg.hashsalt": "vitc", "font.size": 9})
    return pyplot


def written(pyplot, figure) -> str:
    """The figure as an SVG, on white: viewers have dark backgrounds too."""
    file = io.StringIO()
    figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return re.sub(r"[ \t]+$", "", file.getvalue(), flags=re.MULTILINE)


def one_image(data) -> tuple:
    """The rows of one image on all threads that have a peer, and how many threads these are."""
    rows = [row for row in data["matrix"] if row["batch"] == 1 and len(row["results"]) > 1]
    most = max((row["threads"] for row in rows), default=1)
    return [row for row in rows if row["threads"] == most], most


def mark(axes, y, row) -> None:
    """A row's runtimes on a line: vitc at 1."""
    own = row["results"]["vitc"]["min_ms"]
    ratios = {runtime: result["min_ms"] / own for runtime, result in row["results"].items()}
    axes.plot([1, min(LONGEST, max(ratios.values()))], [y, y], color="#dddddd", zorder=1)
    for runtime, ratio in ratios.items():
        colour, shape = STYLES[runtime]
        axes.plot(min(ratio, LONGEST), y, shape, color=colour, markersize=6, zorder=2)
        if ratio > LONGEST:
            axes.annotate(
                f"{ratio:.1f}", (LONGEST, y), (6, -3), textcoords="offset points", color=colour
            )


def finish(axes, precision, count) -> None:
    """The title, the scale and the lines of a panel of so many rows."""
    axes.set_title(precision, loc="left", fontweight="bold", fontsize=10)
    axes.set_ylim(count - 0.4, -0.6)
    axes.axvline(1, color=STYLES["vitc"][0], linewidth=1, zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)


def legend(pyplot, figure, rows, data, threads, columns) -> None:
    """The runtimes that the rows have, above everything, and the machine."""
    shown = [runtime for runtime in RUNTIMES if any(runtime in row["results"] for row in rows)]
    lines = [
        pyplot.Line2D([], [], color=STYLES[runtime][0], marker=STYLES[runtime][1], ls="")
        for runtime in shown
    ]
    machine = data["machine"]
    figure.legend(
        lines, [RUNTIMES[runtime] for runtime in shown], loc="outside upper center",
        ncols=min(columns, len(shown)), frameon=False, columnspacing=1.2, handletextpad=0.3,
        title=f"{machine['cpu']}, {threads} threads, one image, {machine['date']}",
    )  # fmt: skip


def small(data) -> str:
    """The known models as an SVG, a panel for each precision side by side: half a screen."""
    pyplot = plotter()
    rows, threads = one_image(data)
    found = {(name(row["case"]), row["precision"]): row for row in rows}
    models = [model for model in KNOWN if any((model, p) in found for p in PRECISIONS)]
    panels = [p for p in PRECISIONS if any((model, p) in found for model in models)]
    if not panels:
        return ""
    figure, all_axes = pyplot.subplots(
        1, len(panels), sharey=True, squeeze=False, layout="constrained",
        figsize=(9.6, 1.35 + 0.27 * len(models)),
    )  # fmt: skip
    for axes, precision in zip(all_axes[0], panels):
        finish(axes, precision, len(models))
        for y, model in enumerate(models):
            row = found.get((model, precision))
            if row is None:
                axes.annotate("not measured", (1.04, y), va="center", color="#999999", fontsize=8)
                continue
            mark(axes, y, row)
            own = milliseconds(row["results"]["vitc"]["min_ms"])
            axes.annotate(
                f"{own} ms", (1, y), (-6, 0), textcoords="offset points", ha="right", va="center",
                color=STYLES["vitc"][0], fontsize=8,
            )  # fmt: skip
        axes.set_xlim(0.4, LONGEST + 0.3)
        axes.set_xticks([1, 1.5, 2, 2.5])
    labels = [model.replace(", all tokens,", " at") for model in models]
    all_axes[0, 0].set_yticks(range(len(models)), labels)
    figure.supxlabel(
        "time / time of vitc, whose milliseconds are written; minima of interleaved runs; further "
        "right is slower",
        fontsize=9,
    )
    shown = [row for (model, _), row in found.items() if model in models]
    legend(pyplot, figure, shown, data, threads, 7)
    return written(pyplot, figure)


def draw(data) -> str:
    """The rows of one image on all threads as an SVG, a panel for each precision."""
    pyplot = plotter()
    rows, threads = one_image(data)
    panels = [(p, [row for row in rows if row["precision"] == p]) for p in PRECISIONS]
    panels = [(p, found) for p, found in panels if found]
    if not panels:
        return ""
    figure, all_axes = pyplot.subplots(
        len(panels), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(8.6, 1.5 + sum(0.24 * len(found) + 0.35 for _, found in panels)),
        gridspec_kw={"height_ratios": [len(found) + 0.8 for _, found in panels]},
    )  # fmt: skip
    for axes, (precision, found) in zip(all_axes[:, 0], panels):
        finish(axes, precision, len(found))
        for y, row in enumerate(found):
            mark(axes, y, row)
        times = [milliseconds(row["results"]["vitc"]["min_ms"]) for row in found]
        labels = [f"{name(row['case'])}  ({ms} ms)" for row, ms in zip(found, times)]
        axes.set_yticks(range(len(found)), labels)
    all_axes[-1, 0].set_xlim(0.95, LONGEST + 0.1)
    all_axes[-1, 0].set_xlabel(
        "time of a peer / time of vitc (in brackets), minima of interleaved runs"
    )
    legend(pyplot, figure, rows, data, threads, 4)
    return written(pyplot, figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="a .json file of benchmarks/results")
    parser.add_argument("--all", action="store_true", help="every row, not only the known models")
    settings = parser.parse_args()
    data = json.loads(settings.results.read_text())
    print(draw(data) if settings.all else small(data), end="")


if __name__ == "__main__":
    main()
