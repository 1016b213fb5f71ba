#!/usr/bin/env python3
"""What models return besides logits: layers, attention weights, and what is made of these.

For each folder of FOLDERS, which hf_folders.py, timm_folders.py and encoder_folders.py have written,
Tests/Goldens/outputs/LIBRARY-NAME.npz: the images 'input' of the folder's goldens and an array for each
output, under vitc's name of it, computed in float64 from the stored weights and rounded to float32.
Tests/Goldens/outputs/index.json lists them, with what `--outputs` takes.

Layers are timm's forward_intermediates and, in transformers, what the modules of the blocks return (and
the feature maps of the backbone classes, which must be the same); attention weights are those of
attn_implementation="eager" and of timm without fused attention. Rollout (Abnar and Zuidema 2020,
arXiv:2005.00928: heads averaged, the identity added, rows divided by their sum, the last layer on the
left) is the product of whole matrices here; the mean distance is that of patches to patches, weights of
a query divided by their sum, in pixels.

Made with torch 2.13.0, timm 1.0.31, transformers 5.23.0, numpy 2.4.6:
  python output_goldens.py
"""

import json

import numpy
import timm
import torch
import transformers
from tinymodels import GOLDENS

FOLDER = GOLDENS / "outputs"
# The folder; how many tokens precede the patches; what reads the patches: the class token, a learned
# query ("probe"), the mean of the first tokens, or the mean of the patches.
FOLDERS = [
    ("hf/vit", 1, "class"),
    ("hf/deit-teacher", 2, "class"),
    ("hf/dinov2-bare", 1, "class"),
    ("hf/dinov2-registers", 4, "class"),
    ("encoders/clip", 1, "class"),
    ("encoders/siglip", 0, "probe"),
    ("encoders/dinov3", 4, "class"),
    ("encoders/beit", 1, "average"),
    ("encoders/pixio", 3, "first"),
    ("encoders/mae", 1, "class"),
    ("timm/rope-registers", None, None),
    ("timm/eva02", None, None),
    ("timm/gap", None, "average"),
    ("timm/siglip-map", None, "probe"),
    ("timm/hybrid", None, None),
    ("timm/swin", 0, "stages"),
]


def rollout(maps: numpy.ndarray, start: numpy.ndarray) -> numpy.ndarray:
    """The row `start` times the product of all layers; maps [layers, heads, tokens, tokens]."""
    product = numpy.eye(maps.shape[-1])
    for layer in maps:
        mixed = layer.mean(0) + numpy.eye(len(product))
        product = (mixed / mixed.sum(1, keepdims=True)) @ product
    return start @ product


def distance(maps: numpy.ndarray, prefix: int, grid: tuple, pixels: tuple) -> numpy.ndarray:
    """[layers, heads]: how far patches look, on average."""
    rows, columns = numpy.divmod(numpy.arange(grid[0] * grid[1]), grid[1])
    places = numpy.stack([rows * pixels[0] / grid[0], columns * pixels[1] / grid[1]], 1)
    far = numpy.linalg.norm(places[:, None] - places[None], axis=-1)
    patches = maps[:, :, prefix:, prefix:]
    weights = patches / patches.sum(-1, keepdims=True)
    return (weights * far).sum(-1).mean(-1)


class Capture:
    """What modules return in one run."""

    def __init__(self):
        self.results = {}

    def keep(self, key, module, pick=lambda arguments, result: result):
        def hook(_, arguments, result):
            # What a hook returns would take the result's place.
            self.results.setdefault(key, pick(arguments, result))

        module.register_forward_hook(hook)

    def sorted(self, kind):
        keys = sorted(key for key in self.results if key[0] == kind)
        return [self.results[key] for key in keys]


def first(_, result):
    return result[0] if isinstance(result, tuple) else result


def of_transformers(folder, images):
    """Layers [n, tokens, dim], maps [n, heads, tokens, tokens], the probe's row, the last norm."""
    config = json.loads((folder / "config.json").read_text())
    kind = getattr(transformers, config["architectures"][0])
    model = kind.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    vision = model
    for name in ("vit", "deit", "dinov2", "dinov2_with_registers", "clip", "siglip", "beit"):
        vision = getattr(vision, name, vision)
    vision = getattr(vision, "vision_model", vision)
    capture = Capture()
    base = getattr(vision, "encoder", vision)
    blocks = next(
        getattr(owner, name)
        for owner in (base, getattr(vision, "model", base), vision)
        for name in ("layer", "layers")
        if hasattr(owner, name)
    )
    for index, block in enumerate(blocks):
        capture.keep(("layer", index), block, first)
        # The module that returns its weights beside the result.
        for name in ("attention", "self_attn"):
            part = getattr(block, name, None)
            if part is not None:
                part = getattr(part, "attention", part)
                capture.keep(("map", index), part, lambda _, result: result[1])
    # CLIP's last norm is of the class token alone, BEiT's of the mean of the patches.
    names = ("layernorm", "post_layernorm", "norm")
    if config["model_type"] in ("clip", "beit"):
        names = ()
    norm = next((getattr(vision, name) for name in names if hasattr(vision, name)), None)
    head = getattr(vision, "head", None)
    probe = None
    if head is not None and hasattr(head, "attention"):
        # PyTorch's module gives the weights of each head when asked.
        inner = head.attention
        seen = {}

        def remember(_, arguments):
            seen["arguments"] = arguments

        inner.register_forward_pre_hook(remember)
    extra = {}
    if config["model_type"] == "vit_mae":
        extra["noise"] = torch.arange(images.shape[2] * images.shape[3] // 16).expand(2, -1)
    with torch.inference_mode():
        run = model.get_image_features if hasattr(model, "get_image_features") else model
        run(pixel_values=images, **extra)
        if head is not None and hasattr(head, "attention"):
            _, weights = inner(*seen["arguments"], average_attn_weights=False)
            probe = weights.numpy()[:, :, 0]
    return capture.sorted("layer"), capture.sorted("map"), probe, norm


def of_timm(folder, images):
    """The same of timm."""
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval().double()
    capture = Capture()
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    blocks = getattr(model, "blocks", [])
    for index, block in enumerate(blocks):
        capture.keep(("layer", index), block, first)
        capture.keep(("map", index), block.attn.attn_drop)
    pool = getattr(model, "attn_pool", None)
    seen = {}
    if pool is not None:
        pool.q_norm.register_forward_hook(lambda _, arguments, result: seen.update(q=result))
        pool.k_norm.register_forward_hook(lambda _, arguments, result: seen.update(k=result))
    with torch.inference_mode():
        model(images)
        probe = None
        if pool is not None:
            probe = (seen["q"] * pool.scale @ seen["k"].transpose(-2, -1)).softmax(-1)
            probe = probe.numpy()[:, :, 0]
    norm = getattr(model, "norm", None)
    return capture.sorted("layer"), capture.sorted("map"), probe, norm, model


def of_stages(folder, images, model) -> dict:
    """Swin: the results of stages."""
    with torch.inference_mode():
        planes = model.forward_intermediates(images, intermediates_only=True, output_fmt="NCHW")
    outputs = {}
    for index, map in enumerate(planes):
        outputs[f"layer{index}"] = map.flatten(2).transpose(1, 2)
        outputs[f"layer{index}_nchw"] = map
    return outputs


def make(path: str, prefix: int | None, reader: str | None) -> dict:
    """Writes one model's goldens; its entry of the index."""
    library, name = path.split("/")
    folder = GOLDENS / library / name
    index = json.loads((GOLDENS / library / "index.json").read_text())
    entry = next(model for model in index["models"] if model["name"] == name)
    files = sorted(folder.glob("golden/*-input.npy"))
    side = entry["image"]
    images = next(
        array for array in (numpy.load(file) for file in files) if array.shape[2] == side
    )
    batch = torch.from_numpy(images).double()
    model = None
    if library == "timm":
        layers, maps, probe, norm, model = of_timm(folder, batch)
        if prefix is None:
            prefix = model.num_prefix_tokens
        if reader is None:
            reader = {"avg": "average", "token": "class", "map": "probe"}[model.global_pool]
    else:
        layers, maps, probe, norm = of_transformers(folder, batch)
    if reader == "stages":
        outputs = of_stages(folder, batch, model)
        items = ["layers:0+1", "layers:0+1:nchw"]
    else:
        outputs, items = of_blocks(
            batch, layers, [map.numpy() for map in maps], probe, norm, prefix, reader, model)
    arrays = {
        key: numpy.asarray(value, numpy.float64).astype(numpy.float32)
        for key, value in outputs.items()
    }
    numpy.savez_compressed(FOLDER / f"{library}-{name}.npz", input=images, **arrays)
    return {"name": f"{library}-{name}", "folder": path, "image": side, "outputs": ",".join(items)}


def of_blocks(images, layers, maps, probe, norm, prefix, reader, model) -> tuple:
    """The outputs of a model of blocks, and how they are asked for."""
    last = len(layers) - 1
    tokens, dim = layers[0].shape[1:]
    patches = tokens - prefix
    height, width = images.shape[2:]
    rows = round((patches * height / width) ** 0.5)
    grid = (rows, patches // rows)
    assert grid[0] * grid[1] == patches and maps[0].shape[2:] == (tokens, tokens)
    outputs = {}
    items = [f"layers:0+{last}"]
    for index in (0, last):
        outputs[f"layer{index}"] = layers[index][:, prefix:]
    if norm is not None and not isinstance(norm, torch.nn.Identity):
        with torch.inference_mode():
            planes = norm(layers[0])[:, prefix:].transpose(1, 2)
        outputs["layer0_norm_nchw"] = planes.reshape(-1, dim, *grid)
        items.append("layers:0:norm:nchw")
    if prefix > 0:
        outputs["layer0_prefix"] = layers[0]
        items.append("layers:0:prefix")
    if model is not None and hasattr(model, "forward_intermediates"):
        with torch.inference_mode():
            known = model.forward_intermediates(
                images, indices=[0, last], intermediates_only=True, output_fmt="NLC")
        for index, values in zip((0, last), known):
            assert torch.equal(values, layers[index][:, prefix:])
    all_maps = numpy.stack(maps, 1)
    outputs["attention_all"] = all_maps
    outputs["attention_0"] = all_maps[:, 0]
    items += ["attention:all", "attention:0"]
    start = numpy.zeros((len(images), tokens))
    if reader == "class":
        outputs["attention_class"] = all_maps[:, -1, :, 0, prefix:]
        outputs["attention_class_all"] = all_maps[:, :, :, 0, prefix:]
        items += ["attention:class", "attention:class:all"]
        start[:, 0] = 1
    elif reader == "probe":
        outputs["attention_class"] = probe[:, :, -patches:]
        items.append("attention:class")
        start[:, -probe.shape[-1]:] = probe.mean(1)
    elif reader == "first":
        start[:, :prefix] = 1 / prefix
    else:
        start[:, prefix:] = 1 / patches
    outputs["rollout"] = numpy.stack([
        rollout(map, row)[prefix:].reshape(grid) for map, row in zip(all_maps, start)
    ])
    outputs["distance"] = numpy.stack([
        distance(map, prefix, grid, (height, width)) for map in all_maps
    ])
    return outputs, items + ["rollout", "distance"]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    models = []
    for arguments in FOLDERS:
        models.append(make(*arguments))
        print(models[-1])
    versions = {
        "torch": torch.__version__, "timm": timm.__version__,
        "transformers": transformers.__version__,
    }
    lines = ",\n".join(json.dumps(model) for model in models)
    (FOLDER / "index.json").write_text(
        f'{{"versions": {json.dumps(versions)},\n"models": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
