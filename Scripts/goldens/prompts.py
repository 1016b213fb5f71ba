"""Tiny models of two towers with their tokenizers, and transformers' zero-shot logits of them:
Tests/Goldens/prompts.

    python Scripts/goldens/prompts.py

Every parameter is random. The tokenizers are those of Tests/Goldens/tokenizers. Logits are computed in
float64, by the vectors of texts as CLIP's paper makes them: of each template divided by its length,
averaged, divided by the length again.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoTokenizer, CLIPConfig, CLIPModel, SiglipConfig, SiglipModel,
)  # fmt: skip

ROOT = Path(__file__).resolve().parents[2] / "Tests" / "Goldens"
LABELS = ["cat", "Dog", "a very long name of something strange, and more of it", "été", "naïve café"]
TEMPLATES = ["a photo of a {}.", "art of the {}"]


def vocabulary(name: str) -> int:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "tokenizers" / name)
    return len(tokenizer)


def models():
    vision = dict(hidden_size=24, intermediate_size=32, num_attention_heads=2, num_hidden_layers=2,
                  image_size=16, patch_size=8)
    size = vocabulary("clip")
    text = dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, num_hidden_layers=2)
    yield "clip", CLIPModel(CLIPConfig(
        text_config=text | dict(vocab_size=size, max_position_embeddings=24, bos_token_id=size - 2,
                                eos_token_id=size - 1),
        vision_config=vision, projection_dim=20))
    text["hidden_size"] = 24
    yield "siglip", SiglipModel(SiglipConfig(
        text_config=text | dict(vocab_size=vocabulary("siglip"), max_position_embeddings=64,
                                projection_size=24), vision_config=vision))


def vector(output):
    return output.pooler_output if hasattr(output, "pooler_output") else output


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def main():
    torch.manual_seed(11)
    for name, model in models():
        folder = ROOT / "prompts" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, 0.1, 0.4)
        model.logit_scale.data.fill_(1.7)
        if name == "siglip":
            model.logit_bias.data.fill_(-2.3)
        model = model.eval().half()
        model.save_pretrained(folder)
        for file in (ROOT / "tokenizers" / name).iterdir():
            if file.name != "config.json":
                shutil.copy(file, folder)
        model = model.double()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        options = dict(padding="max_length", max_length=64) if name == "siglip" else dict(padding=True)
        images = np.random.default_rng(5).normal(size=(4, 3, 16, 16)).astype(np.float32)
        with torch.no_grad():
            rows = []
            for label in LABELS:
                texts = [template.format(label) for template in TEMPLATES]
                ids = tokenizer(texts, return_tensors="pt", truncation=True, **options)["input_ids"]
                rows.append(unit(unit(vector(model.get_text_features(input_ids=ids))).mean(0)))
            features = unit(vector(model.get_image_features(
                pixel_values=torch.from_numpy(images).double())))
            logits = model.logit_scale.exp() * features @ torch.stack(rows).T
            if name == "siglip":
                logits = logits + model.logit_bias
        np.save(folder / "input.npy", images)
        np.save(folder / "logits.npy", logits.numpy().astype(np.float32))
        (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
        (folder / "templates.json").write_text(json.dumps(TEMPLATES) + "\n")


main()
