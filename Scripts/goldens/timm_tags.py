#!/usr/bin/env python3
"""Writes what timm says of the pretrained tags of vitc's variants, and ImageNet's labels:
Sources/Models/Registry/Tags+Table.swift, Tags+OtherTable.swift (of timm's modules but
vision_transformer.py) and ImageNetLabels+Text.swift.

    python3 timm_tags.py NAME...   (names: the first column of Tests/Goldens/timm_variants.tsv)

Run it again when a variant is added. Needs timm (1.0.31 made the committed files). The labels are
WordNet's lemmas of the synsets, as timm has them.
"""

import pathlib
import sys

import timm
from timm.data import ImageNetInfo
from timm.models import get_pretrained_cfg
from timm.models._registry import _model_default_cfgs

FOLDER = pathlib.Path(__file__).parents[2] / "Sources/Models/Registry"
NOTE = f"Written by Scripts/goldens/timm_tags.py from timm {timm.__version__}."
CONSTANTS = {
    ((0.5,) * 3, (0.5,) * 3): "half",
    ((0.0,) * 3, (1.0,) * 3): "unit",
    ((0.43, 0.411, 0.296), (0.213, 0.156, 0.143)): "satellite",
    ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)): "imageNet",
    ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)): "clip",
}
rows, others = [], []
for name in sys.argv[1:]:
    if name not in _model_default_cfgs:
        continue
    # timm's default first: what a bare name means.
    for tag, cfg in _model_default_cfgs[name].cfgs.items():
        # Tags without weights are names of sizes.
        if not tag or not cfg.has_weights:
            continue
        cfg = get_pretrained_cfg(f"{name}.{tag}")
        channels, height, width = cfg.input_size
        assert channels == 3 and not cfg.label_offset and not cfg.label_names, name
        size = str(height) if height == width else f"{height}x{width}"
        module = timm.models.model_entrypoint(name).__module__.rsplit(".", 1)[1]
        (rows if module == "vision_transformer" else others).append(" ".join([
            name, tag, size, cfg.interpolation, repr(float(cfg.crop_pct)), cfg.crop_mode,
            CONSTANTS[tuple(map(float, cfg.mean)), tuple(map(float, cfg.std))],
            str(cfg.num_classes or 0)]))
for lines, file, table, what in (
    (rows, "Tags+Table", "table", "vision_transformer.py"),
    (others, "Tags+OtherTable", "otherTable", "other modules"),
):
    text = f'''extension Tag {{
  /// A tag of timm's {what} a line, those of a name together, its default
  /// first: name, tag, input size, filter, `crop_pct`, `crop_mode`, constants, classes.
  ///
  /// {NOTE}
  static let {table}: StaticString = """
''' + "".join(f"    {row}\n" for row in lines) + '    """\n}\n'
    (FOLDER / f"{file}.swift").write_text(text)



def wrapped(words, width=92):
    """The words in lines, each but the last with the space that follows it."""
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += word + " "
    return [*lines, line.rstrip()]


def write_literal(file, name, comment, lines):
    """Writes an extension of ImageNetLabels with one literal, `lines` joined."""
    text = "extension ImageNetLabels {\n"
    text += "".join(f"  /// {each}\n" for each in [*comment, "", NOTE]).replace("/// \n", "///\n")
    text += f'  static let {name}: StaticString = """\n'
    text += "".join(f"    {each}\\\n" for each in lines[:-1]) + f'    {lines[-1]}\n    """\n}}\n'
    (FOLDER / f"{file}.swift").write_text(text)


labels = ImageNetInfo("imagenet-1k").label_descriptions()
whole = ImageNetInfo("imagenet-21k-goog")
names = whole.label_descriptions()
assert not any(";" in label or "\\" in label for label in [*labels, *names])
write_literal(
    "ImageNetLabels+Text", "text",
    ["The labels of ImageNet's 1000 classes, in order, with semicolons between them: WordNet's",
     "lemmas."],
    wrapped("; ".join(labels).split(" ")))
write_literal(
    "ImageNetLabels+Text21k", "text21k",
    ["The labels of ImageNet-21k's 21843 classes as Google counts them, in order, with semicolons",
     "between them: WordNet's lemmas."],
    wrapped("; ".join(names).split(" ")))

# The other sets are parts of that one, in the same order.
for subset, name in (("imagenet-12k", "in12k"), ("imagenet-22k", "in22k"),
                     ("imagenet-21k-miil", "in21kMIIL")):
    part = ImageNetInfo(subset).label_names()
    members = set(part)
    chosen = [synset in members for synset in whole.label_names()]
    assert [s for s, is_in in zip(whole.label_names(), chosen) if is_in] == part, subset
    bits = "".join("01"[is_in] for is_in in chosen)
    bits += "0" * (-len(bits) % 4)
    digits = f"{int(bits, 2):0{len(bits) // 4}x}"
    write_literal(
        f"ImageNetLabels+{name[0].upper()}{name[1:]}", name,
        [f"Which of ImageNet-21k's classes the {len(part)} of {subset} are: a bit each, 1 for those",
         "that are, in hexadecimal digits, the highest bit first."],
        [digits[i:i + 92] for i in range(0, len(digits), 92)])
print(len(rows) + len(others), "tags,", len(labels), "and", len(names), "labels")
