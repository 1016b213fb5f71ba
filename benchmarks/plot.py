"""The matrix as an SVG: bars of how many times as long as vitc each peer takes."""

from html import escape

from peers import RUNTIMES

# Colours that stay apart for colour-blind readers (Okabe and Ito), on a page of either shade.
COLOURS = {
    "vitc": "#d55e00",
    "openvino": "#0072b2",
    "openvino_onnx": "#004f7c",
    "onnxruntime": "#56b4e9",
    "zentorch": "#009e73",
    "pytorch": "#999999",
    "inductor": "#cc79a7",
}
WIDTH, LEFT, RIGHT, TOP = 860, 250, 110, 78  # pixels
BAR, GAP = 13, 11  # a bar's height, and between two groups
LONGEST = 4.0  # a longer bar is cut there, and its text says by how much it is longer


def text(x, y, string, anchor="start", size=12, extra=""):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{extra}>'
        f"{escape(string)}</text>"
    )


def number(ms) -> str:
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"


def draw(data) -> str:
    rows = data["matrix"]
    names = [name for name in RUNTIMES if any(name in row["results"] for row in rows)]
    ratios = [
        result["min_ms"] / row["results"]["vitc"]["min_ms"]
        for row in rows
        for result in row["results"].values()
    ]
    longest = min(LONGEST, max(1.2, *ratios))
    scale = (WIDTH - LEFT - RIGHT) / longest
    body, y = [], TOP
    for row in rows:
        present = [name for name in names if name in row["results"]]
        middle = y + BAR * len(present) / 2 + 4
        body.append(text(LEFT - 10, middle, row["case"], "end"))
        for name in present:
            ms = row["results"][name]["min_ms"]
            ratio = ms / row["results"]["vitc"]["min_ms"]
            width = min(ratio, longest) * scale
            body.append(
                f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" '
                f'fill="{COLOURS[name]}"/>'
            )
            label = f"{number(ms)} ms" + ("" if name == "vitc" else f"  ×{ratio:.2f}")
            label += " →" if ratio > longest else ""
            body.append(text(LEFT + width + 5, y + BAR - 3, label, size=10))
            y += BAR
        y += GAP
    one = LEFT + scale
    body.append(
        f'<line x1="{one:.1f}" y1="{TOP - 6}" x2="{one:.1f}" y2="{y - GAP + 4}" stroke="#333" '
        'stroke-dasharray="3 3"/>'
    )
    title = (
        "Latency beside vitc (×1), float32 unless the row names another, "
        "minimum of interleaved runs"
    )
    head = [
        text(16, 24, title, size=15),
        text(16, 42, f"{data['machine']['cpu']}; shorter is faster", size=11),
    ]
    x = 16
    for name in names:
        head.append(f'<rect x="{x}" y="52" width="11" height="11" fill="{COLOURS[name]}"/>')
        head.append(text(x + 16, 62, RUNTIMES[name]))
        x += 40 + 7.2 * len(RUNTIMES[name])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" width="{WIDTH}" '
        f'height="{y + 6}" font-family="system-ui, sans-serif" fill="#222">\n'
        f'<rect width="{WIDTH}" height="{y + 6}" fill="#fff"/>\n'
        + "\n".join(head + body)
        + "\n</svg>\n"
    )
