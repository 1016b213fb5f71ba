"""The matrix as a picture: for each row, how many times as long as vitc each peer takes."""

import io
import re

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


def name(case) -> str:
    """A row's name without what all rows of the picture share, and its precision."""
    return re.sub(r", (batch 1|2 threads|bf16|int8)", "", case)


def milliseconds(time) -> str:
    return f"{time:.0f}" if time >= 100 else f"{time:.3g}"


def draw(data) -> str:
    """The rows of one image on all threads as an SVG, a panel for each precision."""
    # Here, so that measuring needs no matplotlib.
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    # Texts stay texts, and the same data gives the same file.
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "vitc", "font.size": 9})
    rows = [row for row in data["matrix"] if row["batch"] == 1 and len(row["results"]) > 1]
    most = max((row["threads"] for row in rows), default=1)
    rows = [row for row in rows if row["threads"] == most]
    panels = [(p, [row for row in rows if row["precision"] == p]) for p in PRECISIONS]
    panels = [(p, found) for p, found in panels if found]
    if not panels:
        return ""
    figure, all_axes = pyplot.subplots(
        len(panels), 1, sharex=True, squeeze=False, layout="constrained",
        figsize=(8.6, 1.5 + sum(0.24 * len(found) + 0.35 for _, found in panels)),
        gridspec_kw={"height_ratios": [len(found) + 0.8 for _, found in panels]})
    for axes, (precision, found) in zip(all_axes[:, 0], panels):
        for y, row in enumerate(found):
            own = row["results"]["vitc"]["min_ms"]
            ratios = {n: r["min_ms"] / own for n, r in row["results"].items()}
            axes.plot([1, min(LONGEST, max(ratios.values()))], [y, y], color="#dddddd", zorder=1)
            for runtime, ratio in ratios.items():
                colour, mark = STYLES[runtime]
                axes.plot(min(ratio, LONGEST), y, mark, color=colour, markersize=6, zorder=2)
                if ratio > LONGEST:
                    axes.annotate(f"{ratio:.1f}", (LONGEST, y), (6, -3),
                                  textcoords="offset points", color=colour)
        times = [milliseconds(row["results"]["vitc"]["min_ms"]) for row in found]
        axes.set_yticks(range(len(found)), [
            f"{name(row['case'])}  ({ms} ms)" for row, ms in zip(found, times)])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_title(precision, loc="left", fontweight="bold", fontsize=10)
        axes.axvline(1, color=STYLES["vitc"][0], linewidth=1, zorder=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#eeeeee")
        axes.set_axisbelow(True)
    all_axes[-1, 0].set_xlim(0.95, LONGEST + 0.1)
    all_axes[-1, 0].set_xlabel(
        "time of a peer / time of vitc (in brackets), minima of interleaved runs")
    shown = [n for n in RUNTIMES if any(n in row["results"] for row in rows)]
    figure.legend(
        [pyplot.Line2D([], [], color=STYLES[n][0], marker=STYLES[n][1], ls="") for n in shown],
        [RUNTIMES[n] for n in shown], loc="outside upper center", ncols=min(4, len(shown)),
        frameon=False,
        title=f"{data['machine']['cpu']}, {most} threads, one image")
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return file.getvalue()
