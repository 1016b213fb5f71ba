#!/usr/bin/env python3
"""Trains a tiny CLIP, a tower for pictures and one for texts, on scikit-learn's handwritten digits and
what can be said of them, so that a zero-shot classifier of any of these words can be compiled.

Writes, beside itself:
  model/                config.json, model.safetensors (float16), preprocessor_config.json and
                        tokenizer_config.json with vocab.json and merges.txt: a folder of transformers'
  expected.json         transformers' accuracy on the test split, by words never seen in training too

The split and the pictures are those of ../digits (test-images.npy, split.json), so the test split was
never trained on there or here.

Made with Python 3.11, torch 2.13.0, transformers 5.23.0, scikit-learn 1.9.1, numpy 2.4.6, Pillow
13.0.0, safetensors 0.8.0:
  pip install torch transformers scikit-learn numpy Pillow safetensors
  python train.py            trains (some minutes on two cores) and writes everything
  python train.py --check    reads what is written, measures the accuracy again, writes nothing
"""

import argparse
import collections
import json
from pathlib import Path

import numpy
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "digits"
SEED = 5
SIZE = 32
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

# What is asked of a picture: answers that exclude each other, each with the digits that it is for.
QUESTIONS = [
    {name: {digit} for digit, name in enumerate(NAMES)},
    {str(digit): {digit} for digit in range(10)},
    {"an even number": {0, 2, 4, 6, 8}, "an odd number": {1, 3, 5, 7, 9}},
    {"a round digit": {0, 3, 6, 8, 9}, "a straight digit": {1, 4, 7}, "a bent digit": {2, 5}},
    {"less than five": {0, 1, 2, 3, 4}, "five or more": {5, 6, 7, 8, 9}},
]
TEMPLATES = [
    "{}", "{}.", "a photo of {}.", "a photo of a {}.", "the number {}", "the digit {}.",
    "a photo of the number {}.", "a photo of the digit {}.", "a picture of {}.",
    "a drawing of the digit {}", "handwritten {}.", "this is {}.", "{} written by hand.",
]
# Never seen in training: what is trained is words, not whole sentences.
UNSEEN = ["a picture of the digit {}.", "this is the number {}.", "a handwritten {}"]

STEPS = 1600
BATCH = 64
LEARNING_RATE = 2e-3
MERGES = 96


def words(text):
    """The words of CLIP's expression, for texts of letters, digits and stops."""
    found, word = [], ""
    for letter in text.lower() + " ":
        if letter.isalpha():
            word += letter
            continue
        found += [word] if word else []
        word = ""
        found += [letter] if letter != " " else []
    return found


def byte_letters():
    """GPT-2's letters for bytes: those that print are themselves."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(rest))]


def write_tokenizer(folder):
    """Learns merges from the texts, as CLIP's vocabulary was made: pieces, and pieces at a word's end."""
    counts = collections.Counter(
        word for question in QUESTIONS for answer in question for template in TEMPLATES
        for word in words(template.format(answer))
    )
    split = {word: (*word[:-1], word[-1] + "</w>") for word in counts}
    letters = byte_letters()
    pieces = letters + [letter + "</w>" for letter in letters]
    merges = []
    for _ in range(MERGES):
        pairs = collections.Counter()
        for word, parts in split.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        if "".join(best) not in pieces:
            pieces.append("".join(best))
        for word, parts in split.items():
            joined, place = [], 0
            while place < len(parts):
                if parts[place : place + 2] == best:
                    joined.append("".join(best))
                    place += 2
                else:
                    joined.append(parts[place])
                    place += 1
            split[word] = tuple(joined)
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False) + "\n")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 24}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    return len(pieces)


def configuration(vocabulary):
    """Two towers of a quarter of a million parameters."""
    shared = {"num_attention_heads": 4, "hidden_act": "quick_gelu", "projection_dim": 48}
    return CLIPConfig(
        projection_dim=48,
        vision_config={
            "image_size": SIZE, "patch_size": 8, "hidden_size": 64, "intermediate_size": 192,
            "num_hidden_layers": 3, **shared,
        },
        text_config={
            "vocab_size": vocabulary, "max_position_embeddings": 24, "hidden_size": 48,
            "intermediate_size": 96, "num_hidden_layers": 2, "bos_token_id": vocabulary - 2,
            "eos_token_id": vocabulary - 1, "pad_token_id": vocabulary - 1, **shared,
        },
    )


def pictures(numbers):
    """Samples of scikit-learn's as ../digits/train.py makes them: grey, 0...255, 32 x 32."""
    samples = load_digits()
    images = []
    for number in numbers:
        grey = numpy.round(samples.images[number] * (255 / 16)).astype(numpy.uint8)
        image = Image.fromarray(grey).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        images.append(numpy.asarray(image))
    return numpy.stack(images), samples.target[numbers]


def normalized(images, dtype=torch.float32):
    """Grey pictures [n, 32, 32] as the vision tower's input [n, 3, 32, 32] of -1...1."""
    values = torch.from_numpy(images.copy()).to(dtype) / 255
    return ((values - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1).contiguous()


def augmented(batch, generator):
    """The batch, each picture rotated, scaled, sheared and moved a little; black outside."""

    def uniform(limit):
        return (torch.rand(len(batch), generator=generator) * 2 - 1) * limit

    angle, shear, scale = uniform(0.22), uniform(0.15), 1 + uniform(0.12)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [
        torch.stack([cosine, shear - sine, uniform(0.16)], 1),
        torch.stack([sine, cosine, uniform(0.16)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(batch.shape), align_corners=False)
    moved = functional.grid_sample(batch + 1, grid, align_corners=False) - 1
    return moved + 0.05 * torch.randn(moved.shape, generator=generator)


def unit(output):
    """Vectors of length 1; transformers 5 returns an output object."""
    vectors = getattr(output, "pooler_output", output)
    return vectors / vectors.norm(dim=-1, keepdim=True)


def text_vectors(model, tokenizer, texts):
    ids = tokenizer(texts, padding="max_length", max_length=24, return_tensors="pt")
    return unit(model.get_text_features(ids["input_ids"], ids["attention_mask"]))


def train(model, tokenizer, images, labels):
    """Each picture is to be nearest to the right answer of each question, in some template's words."""
    generator = torch.Generator().manual_seed(SEED)
    inputs = normalized(images)
    targets = [
        torch.tensor([
            next((i for i, digits in enumerate(question.values()) if label in digits), -1)
            for label in labels
        ])
        for question in QUESTIONS
    ]
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=0.05, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.08
    )
    averaged = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    for step in range(STEPS):
        chosen = torch.randint(len(inputs), (BATCH,), generator=generator)
        vectors = unit(model.get_image_features(augmented(inputs[chosen], generator)))
        texts = [
            TEMPLATES[int(torch.randint(len(TEMPLATES), (), generator=generator))].format(answer)
            for question in QUESTIONS for answer in question
        ]
        cosines = vectors @ text_vectors(model, tokenizer, texts).T
        logits = model.logit_scale.exp().clamp(max=50) * cosines
        loss, start = 0.0, 0
        for question, target in zip(QUESTIONS, targets):
            part = logits[:, start : start + len(question)]
            loss = loss + functional.cross_entropy(part, target[chosen], label_smoothing=0.02)
            start += len(question)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if tensor.is_floating_point():
                    averaged[name].lerp_(tensor, 0.005)
        if step % 250 == 249:
            print(f"step {step + 1:4}: loss {loss.item():.4f}", flush=True)
    model.load_state_dict(averaged)


@torch.inference_mode()
def measure(model, tokenizer, images, labels):
    """How many pictures are nearest to their right answers, by templates seen and never seen."""
    model = model.double().eval()
    vectors = unit(model.get_image_features(normalized(images, torch.float64)))
    found = {}
    for template in ["{}", "a photo of a {}.", *UNSEEN]:
        for question in QUESTIONS:
            answers = list(question)
            texts = text_vectors(model, tokenizer, [template.format(answer) for answer in answers])
            best = (vectors @ texts.T).argmax(1).tolist()
            right = sum(int(label) in question[answers[i]] for i, label in zip(best, labels))
            found[f"{template} | {', '.join(answers)}"] = right
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="measure what is written")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the tower is so small that two would wait for each other
    folder = HERE / "model"
    folder.mkdir(exist_ok=True)
    images = numpy.load(DIGITS / "test-images.npy")
    labels = numpy.load(DIGITS / "test-labels.npy")
    if not arguments.check:
        torch.manual_seed(SEED)
        vocabulary = write_tokenizer(folder)
        model = CLIPModel(configuration(vocabulary))
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        split = json.loads((DIGITS / "split.json").read_text())
        train(model.train(), tokenizer, *pictures(split["train"]))
        model.half().save_pretrained(folder)
        preprocessing = {
            "image_processor_type": "CLIPImageProcessor", "do_resize": True,
            "size": {"shortest_edge": SIZE}, "resample": 3, "do_center_crop": True,
            "crop_size": {"height": SIZE, "width": SIZE}, "do_rescale": True,
            "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5], "do_convert_rgb": True,
        }
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=1) + "\n")
    model, tokenizer = CLIPModel.from_pretrained(folder), CLIPTokenizer.from_pretrained(folder)
    found = measure(model, tokenizer, images, labels)
    for question, right in found.items():
        print(f"{right} of {len(labels)}  {question}")
    if not arguments.check:
        record = {"seed": SEED, "tested": len(labels), "right": found}
        (HERE / "expected.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
