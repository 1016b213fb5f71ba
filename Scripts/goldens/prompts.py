"""Tiny models of two towers with their tokenizers, and the zero-shot logits of transformers and
open_clip: Tests/Goldens/prompts.

    python Scripts/goldens/prompts.py

Every parameter is random. The tokenizers are those of Tests/Goldens/tokenizers. Logits are computed in
float64, by the vectors of texts as CLIP's paper makes them: of each template divided by its length,
averaged, divided by the length again.

Made with torch 2.13.0, transformers 5.23.0, open_clip_torch 3.3.0, numpy 2.4.6.
"""

import copy
import gzip
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import open_clip.tokenizer
import torch
from encoder_folders import patches
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from transformers import (
    Aimv2Config, Aimv2Model, AutoTokenizer, CLIPConfig, CLIPModel, MetaClip2Config, MetaClip2Model,
    Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel,
)  # fmt: skip

ROOT = Path(__file__).resolve().parents[2] / "Tests" / "Goldens"
LABELS = ["cat", "Dog", "a very long name of something strange, and more of it", "été", "naïve café"]
TEMPLATES = ["a photo of a {}.", "art of the {}"]
# The folder of the tokenizer where its name is another.
TOKENIZERS = {
    "siglip2": "siglip2-fixed", "siglip2-naflex": "siglip2", "aimv2": "clip", "open-clip": "openclip",
    "open-clip-siglip": "openclip-siglip",
}  # fmt: skip


def vocabulary(name: str) -> int:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "tokenizers" / name)
    return len(tokenizer)


def models():
    vision = dict(hidden_size=24, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2,
                  image_size=16, patch_size=8)
    size = vocabulary("clip")
    text = dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, num_hidden_layers=2)
    end = dict(vocab_size=size, max_position_embeddings=24, bos_token_id=size - 2, eos_token_id=size - 1)
    yield "clip", CLIPModel(CLIPConfig(text_config=text | end, vision_config=vision, projection_dim=20))
    wide = text | dict(hidden_size=24, max_position_embeddings=64, projection_size=24)
    yield "siglip", SiglipModel(SiglipConfig(
        text_config=wide | dict(vocab_size=vocabulary("siglip")), vision_config=vision))
    multilingual = dict(vocab_size=vocabulary("metaclip2"), max_position_embeddings=24, bos_token_id=0,
                        eos_token_id=2, pad_token_id=1)
    yield "metaclip2", MetaClip2Model(MetaClip2Config(
        text_config=text | multilingual, vision_config=vision, projection_dim=20))
    yield "siglip2", SiglipModel(SiglipConfig(
        text_config=wide | dict(vocab_size=vocabulary("siglip2-fixed")), vision_config=vision))
    rows = {key: value for key, value in vision.items() if key != "image_size"}
    yield "siglip2-naflex", Siglip2Model(Siglip2Config(
        text_config=wide | dict(vocab_size=vocabulary("siglip2")),
        vision_config=rows | dict(num_patches=4)))
    # With SDPA and a mask without padding transformers 5.23 leaves the causal mask of AIMv2 out.
    yield "aimv2", Aimv2Model(Aimv2Config(
        text_config=text | end, vision_config=vision, projection_dim=20, attn_implementation="eager"))


def open_clip_models():
    own = dict(image_size=16, layers=2, width=24, patch_size=8, head_width=8)
    text = dict(context_length=24, vocab_size=vocabulary("clip"), width=16, heads=2, layers=2)
    yield "open-clip", CLIP, dict(embed_dim=20, vision_cfg=own, text_cfg=text, quick_gelu=True)
    siglip = dict(
        context_length=64, vocab_size=vocabulary("openclip-siglip"), no_causal_mask=True, proj_bias=True,
        pool_type="last", act_kwargs={"approximate": "tanh"}, norm_kwargs={"eps": 1e-6},
        hf_tokenizer_name="timm/ViT-B-16-SigLIP", tokenizer_kwargs={"clean": "canonicalize"})
    yield "open-clip-siglip", CustomTextCLIP, dict(
        embed_dim=20, vision_cfg=own, text_cfg=text | siglip, custom_text=True, init_logit_bias=-2)


def vector(output):
    return output.pooler_output if hasattr(output, "pooler_output") else output


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def prepare(name: str, model) -> Path:
    """An empty folder; parameters drawn, in half precision as they are stored."""
    folder = ROOT / "prompts" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.1, 0.4)
    model.logit_scale.data.fill_(1.7)
    if "siglip" in name:
        model.logit_bias.data.fill_(-2.3)
    for file in (ROOT / "tokenizers" / TOKENIZERS.get(name, name)).iterdir():
        if file.name not in ("config.json", "open_clip_config.json"):
            shutil.copy(file, folder)
    model.eval().half()
    return folder


def of_transformers(name: str, model):
    """Functions from texts, and from images, to their vectors."""
    folder = prepare(name, model)
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    model.double()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    length = model.config.text_config.max_position_embeddings
    fills = "siglip" in name
    options = dict(padding="max_length" if fills else True, max_length=length, truncation=True)

    def texts(lines):
        ids = tokenizer(lines, return_tensors="pt", **options)["input_ids"]
        # With the mask of its tokenizer AIMv2 is causal, without any it is not.
        mask = {"attention_mask": torch.ones_like(ids)} if name == "aimv2" else {}
        return vector(model.get_text_features(input_ids=ids, **mask))

    def images(pixels):
        arguments = patches(pixels, 8) if "naflex" in name else {"pixel_values": pixels}
        return vector(model.get_image_features(**arguments))

    return folder, texts, images


def of_open_clip(name: str, cls, config: dict, scratch: Path):
    """The same of open_clip's own models."""
    arguments = copy.deepcopy(config)
    arguments.pop("custom_text", None)
    model = cls(**arguments)
    folder = prepare(name, model)
    written = {"model_cfg": config, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(written, indent=2) + "\n")
    save_file({key: value.contiguous() for key, value in model.state_dict().items()},
              folder / "open_clip_model.safetensors")
    (folder / "open_clip_model.safetensors").chmod(0o644)
    model.double()
    length = config["text_cfg"]["context_length"]
    if "siglip" in name:
        tokenizer = open_clip.tokenizer.HFTokenizer(
            str(folder), context_length=length, clean="canonicalize")
    else:
        merges = scratch / "merges.gz"
        merges.write_bytes(gzip.compress((folder / "merges.txt").read_text().rstrip("\n").encode()))
        tokenizer = open_clip.tokenizer.SimpleTokenizer(str(merges), context_length=length)
    return folder, lambda lines: model.encode_text(tokenizer(lines)), model.encode_image


def write(folder: Path, texts, images, biased: bool) -> None:
    pixels = np.random.default_rng(5).normal(size=(4, 3, 16, 16)).astype(np.float32)
    with torch.no_grad():
        rows = [unit(unit(texts([template.format(label) for template in TEMPLATES])).mean(0))
                for label in LABELS]
        # What is stored is 1.7, rounded to half precision.
        scale = torch.tensor(1.7).half().double().exp()
        logits = scale * unit(images(torch.from_numpy(pixels).double())) @ torch.stack(rows).T
        if biased:
            logits = logits + torch.tensor(-2.3).half().double()
    np.save(folder / "input.npy", pixels)
    np.save(folder / "logits.npy", logits.numpy().astype(np.float32))
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (folder / "templates.json").write_text(json.dumps(TEMPLATES) + "\n")
    print(folder.name, logits[0].numpy().round(3))


def main():
    torch.manual_seed(11)
    for name, model in models():
        write(*of_transformers(name, model), "siglip" in name)
    with tempfile.TemporaryDirectory() as scratch:
        for name, cls, config in open_clip_models():
            write(*of_open_clip(name, cls, config, Path(scratch)), "siglip" in name)


main()
