#!/usr/bin/env python3
"""Tiny checkpoints of image encoders with random weights, as transformers writes them, and their goldens.

Writes Tests/Goldens/encoders/NAME/ for each of MODELS: what save_pretrained() writes (config.json,
model.safetensors, with the text encoder's weights where there is one), a preprocessor_config.json
where the processor's class does not follow from config.json, and golden/: SIZE-input.npy with
SIZE-tokens.npy (last_hidden_state), SIZE-features.npy (what a user of the class takes: projected or
pooled) and SIZE-logits.npy (classifiers) for the checkpoint's own image size, a larger and a
non-square one. Tests/Goldens/encoders/index.json lists them.

transformers computes in float64 from the stored weights, promoted. Results are rounded to float32.

Made with torch 2.13.0, transformers 5.23.0, numpy 2.4.6, safetensors 0.8.0:
  pip install torch transformers numpy safetensors
  python encoder_folders.py             all of MODELS
  python encoder_folders.py NAME...     these, beside those that are there
"""

import json
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from tinymodels import GOLDENS, fresh, input_images, randomize, write_goldens, write_index
from transformers import *  # the classes by the names in MODELS

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
FOLDER = GOLDENS / "encoders"
LABELS = {0: "tabby", 1: "goldfish", 2: "c"}
SIZE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
}
TEXT = SIZE | {"num_hidden_layers": 1, "vocab_size": 20, "max_position_embeddings": 8}
F16, F32, BF16 = torch.float16, torch.float32, torch.bfloat16


def tower(config: str, side: int, patch: int, **arguments):
    """The configuration of an image encoder alone."""
    return globals()[config](**SIZE, image_size=side, patch_size=patch, **arguments)


def deeper(config: str, side: tuple, patch: int, **arguments):
    """The configuration of an image encoder of three blocks, for images of this height and width."""
    size = SIZE | {"num_hidden_layers": 3, "image_size": side, "patch_size": patch}
    return globals()[config](**size, **arguments)


def ratio(config: str, side: int, patch: int, **arguments):
    """The configuration of an image encoder that says its MLP's width as a ratio."""
    size = {key: value for key, value in SIZE.items() if key != "intermediate_size"}
    size |= {"mlp_ratio": 2, "image_size": side, "patch_size": patch}
    return globals()[config](**(size | arguments))


def whole(config: str, side: int, patch: int, text: dict = {}, **arguments):
    """The configuration of an image encoder beside a text encoder."""
    vision = SIZE | {"image_size": side, "patch_size": patch}
    return globals()[config](
        vision_config=vision, text_config=TEXT | text, **arguments
    )


BLIP_TEXT = {"encoder_hidden_size": 32, "bos_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}
SAM = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "output_channels": 8,
    "mlp_dim": 48, "patch_size": 4, "num_pos_feats": 4,
}
DECODER = {
    "hidden_size": 8, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "iou_head_hidden_dim": 8,
}


def sam(config: str, side: int, window: int, decoder: dict = {}):
    """The configuration of SAM, whose image encoder takes one size."""
    vision = SAM | {"image_size": side, "window_size": window, "global_attn_indexes": [1]}
    prompt = {"hidden_size": 8, "image_size": side, "patch_size": 4, "mask_input_channels": 4}
    return globals()[config](
        vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=DECODER | decoder
    )


# Name: class, its configuration, stored type.
MODELS = {
    "clip": ("CLIPModel", whole("CLIPConfig", 16, 4, projection_dim=24), F32),
    "clip-gelu-f16": (
        "CLIPVisionModelWithProjection",
        tower("CLIPVisionConfig", 16, 4, projection_dim=20, hidden_act="gelu"), F16,
    ),
    "clip-bare": ("CLIPVisionModel", tower("CLIPVisionConfig", 16, 4), F32),
    # As transformers 4 wrote it, with a buffer.
    "clip-bare-v4": ("CLIPVisionModel", tower("CLIPVisionConfig", 16, 4), F16),
    "clip-classifier": ("CLIPForImageClassification", whole("CLIPConfig", 16, 4), F16),
    "metaclip2": ("MetaClip2Model", whole("MetaClip2Config", 16, 4, projection_dim=24), F16),
    "metaclip2-bf16": (
        "MetaClip2VisionModelWithProjection",
        tower("MetaClip2VisionConfig", 16, 4, projection_dim=24), BF16,
    ),
    "altclip": (
        "AltCLIPModel",
        whole("AltCLIPConfig", 16, 4, {"project_dim": 24, "pad_token_id": 1}, projection_dim=24),
        F16,
    ),
    "chinese-clip": (
        "ChineseCLIPModel", whole("ChineseCLIPConfig", 16, 4, projection_dim=24), F16,
    ),
    "clipseg": ("CLIPSegModel", whole("CLIPSegConfig", 16, 4, projection_dim=24), F16),
    "owlvit": ("OwlViTModel", whole("OwlViTConfig", 16, 4, projection_dim=24), F16),
    "owlv2-detector": (
        "Owlv2ForObjectDetection", whole("Owlv2Config", 16, 4, projection_dim=24), F16,
    ),
    "siglip": ("SiglipModel", whole("SiglipConfig", 16, 4), F32),
    "siglip-bare-f16": ("SiglipVisionModel", tower("SiglipVisionConfig", 16, 4), F16),
    "siglip-classifier": ("SiglipForImageClassification", whole("SiglipConfig", 16, 4), F16),
    "siglip-headless": (
        "SiglipVisionModel", tower("SiglipVisionConfig", 16, 4, vision_use_head=False), F16,
    ),
    # Patches as rows; positions of a square of 3 x 3 for other grids.
    "siglip2": (
        "Siglip2Model",
        Siglip2Config(
            vision_config=SIZE | {"patch_size": 4, "num_patches": 9}, text_config=TEXT,
        ), F16,
    ),
    "siglip2-bare-f16": (
        "Siglip2VisionModel", Siglip2VisionConfig(**SIZE, patch_size=4, num_patches=16), F16,
    ),
    "siglip2-classifier": (
        "Siglip2ForImageClassification",
        Siglip2Config(
            vision_config=SIZE | {"patch_size": 4, "num_patches": 16}, text_config=TEXT,
        ), F16,
    ),
    "dinov3": (
        "DINOv3ViTModel", tower("DINOv3ViTConfig", 16, 4, num_register_tokens=3), F32,
    ),
    "dinov3-gated-f16": (
        "DINOv3ViTModel",
        tower(
            "DINOv3ViTConfig", 16, 4, num_register_tokens=2, use_gated_mlp=True,
            hidden_act="silu", query_bias=False, key_bias=True, value_bias=False, mlp_bias=False,
            proj_bias=False, rope_theta=50.0,
        ), F16,
    ),
    # As other versions name the blocks.
    "dinov3-nested-f16": (
        "DINOv3ViTModel", tower("DINOv3ViTConfig", 16, 4, num_register_tokens=4), F16,
    ),
    "aimv2": (
        "Aimv2Model", whole("Aimv2Config", 16, 4, projection_dim=24), F16,
    ),
    "aimv2-bare": ("Aimv2VisionModel", tower("Aimv2VisionConfig", 16, 4), F16),
    "aimv2-native-biases": (
        "Aimv2VisionModel",
        tower("Aimv2VisionConfig", 16, 4, is_native=True, qkv_bias=True, mlp_bias=True), F16,
    ),
    "aimv2-headless": (
        "Aimv2VisionModel", tower("Aimv2VisionConfig", 16, 4, use_head=False), BF16,
    ),
    # Relative positions in each block, of all blocks, both beside a table; with and without the mean.
    "beit": (
        "BeitForImageClassification",
        tower("BeitConfig", 16, 4, use_relative_position_bias=True, layer_scale_init_value=0.1), F32,
    ),
    "beit-token-f16": (
        "BeitModel",
        tower(
            "BeitConfig", 16, 4, use_relative_position_bias=True,
            use_shared_relative_position_bias=True, use_absolute_position_embeddings=True,
            use_mean_pooling=False, layer_scale_init_value=0.0, use_mask_token=True,
        ), F16,
    ),
    "beit-wide-f16": (
        "BeitModel",
        tower("BeitConfig", (12, 20), 4, use_relative_position_bias=True), F16,
    ),
    "beit-masked-f16": (
        "BeitForMaskedImageModeling",
        tower(
            "BeitConfig", 16, 4, use_shared_relative_position_bias=True, use_mask_token=True,
            vocab_size=7,
        ), F16,
    ),
    "data2vec": (
        "Data2VecVisionForImageClassification",
        tower("Data2VecVisionConfig", 16, 4, use_shared_relative_position_bias=True), F16,
    ),
    "data2vec-bare-bf16": (
        "Data2VecVisionModel",
        tower("Data2VecVisionConfig", 16, 4, use_relative_position_bias=True), BF16,
    ),
    # Windows that cover the map and that reach beyond it; the encoder in a whole, and alone.
    "sam": ("SamModel", sam("SamConfig", 20, 3), F16),
    "sam-hq": ("SamHQModel", sam("SamHQConfig", 24, 2, {"vit_dim": 32}), F16),
    "sam-vision": (
        "SamVisionModel",
        SamVisionConfig(
            **SAM, image_size=16, window_size=3, global_attn_indexes=[0, 2], use_abs_pos=False,
            qkv_bias=False, hidden_act="gelu_pytorch_tanh",
        ), F32,
    ),
    "sam-hq-vision": (
        "SamHQVisionModel",
        SamHQVisionConfig(
            **SAM, image_size=16, window_size=3, global_attn_indexes=[1], use_rel_pos=False
        ), F16,
    ),
    "vitdet": (
        "VitDetModel",
        tower(
            "VitDetConfig", 16, 4, pretrain_image_size=12, mlp_ratio=2, window_size=3,
            window_block_indices=[0], use_relative_position_embeddings=True,
        ), F32,
    ),
    "vitdet-backbone-f16": (
        "VitDetBackbone",
        tower("VitDetConfig", 16, 4, pretrain_image_size=16, window_block_indices=[1], window_size=2),
        F16,
    ),
    # The class token turns by angles of its own.
    "mlcd": ("MLCDVisionModel", tower("MLCDVisionConfig", 16, 4), F16),
    # Norms of whole rows of queries and keys; RMS norms, a last layer norm, the class token.
    "internvl": ("InternVLVisionModel", tower("InternVLVisionConfig", 16, 4, use_qk_norm=True), F16),
    "internvl-token": (
        "InternVLVisionModel",
        tower(
            "InternVLVisionConfig", 16, 4, norm_type="rms_norm", use_mean_pooling=False,
            attention_bias=True,
        ), F16,
    ),
    # The pooled row passes the last norm twice.
    "blip": ("BlipVisionModel", tower("BlipVisionConfig", 16, 4), F16),
    "blip2": ("Blip2VisionModel", tower("Blip2VisionConfig", 16, 4), F16),
    "blip-caption": (
        "BlipForConditionalGeneration", whole("BlipConfig", 16, 4, BLIP_TEXT), F16,
    ),
    "blip2-caption": (
        "Blip2ForConditionalGeneration",
        whole(
            "Blip2Config", 16, 4, TEXT | {"model_type": "opt", "ffn_dim": 48, "word_embed_proj_dim": 32},
            qformer_config=TEXT | {"encoder_hidden_size": 32}, num_query_tokens=3,
        ), F16,
    ),
    # Several class tokens, whose mean is taken.
    "pixio": ("PixioModel", ratio("PixioConfig", 16, 4, n_cls_tokens=3), F16),
    "tips": ("Tipsv2VisionModel", ratio("Tipsv2VisionConfig", 16, 4), F16),
    "tips-gated": (
        "Tipsv2VisionModel",
        ratio("Tipsv2VisionConfig", 24, 4, use_swiglu_ffn=True, num_register_tokens=2), F16,
    ),
    # Windows that are shifted, that reach beyond the map, and that cover it; maps of odd sides.
    "swin": (
        "SwinForImageClassification",
        SwinConfig(
            image_size=40, patch_size=2, embed_dim=8, depths=[2, 2], num_heads=[2, 4],
            window_size=5, mlp_ratio=2,
        ), F32,
    ),
    "swin-bare-f16": (
        "SwinModel",
        SwinConfig(
            image_size=36, patch_size=4, embed_dim=8, depths=[2, 3], num_heads=[1, 2],
            window_size=4, qkv_bias=False, hidden_act="gelu_pytorch_tanh",
        ), F16,
    ),
    "donut-swin": (
        "DonutSwinModel",
        DonutSwinConfig(
            image_size=[20, 28], patch_size=2, embed_dim=8, depths=[2, 2], num_heads=[2, 4],
            window_size=4, mlp_ratio=1.5,
        ), F16,
    ),
    # Windows of its own image, whose map rounds up; distances relative to other windows.
    "swinv2": (
        "Swinv2ForImageClassification",
        Swinv2Config(
            image_size=40, patch_size=2, embed_dim=32, depths=[2, 2], num_heads=[2, 4],
            window_size=5, mlp_ratio=2.0, pretrained_window_sizes=[3, 0],
        ), F16,
    ),
    "swinv2-bare-f16": (
        "Swinv2Model",
        Swinv2Config(
            image_size=36, patch_size=4, embed_dim=32, depths=[2, 3], num_heads=[1, 2],
            window_size=4, qkv_bias=False, hidden_act="gelu_pytorch_tanh",
            pretrained_window_sizes=[0, 0],
        ), F16,
    ),
    "swinv2-wide-f16": (
        "Swinv2Model",
        Swinv2Config(
            image_size=[20, 28], patch_size=2, embed_dim=32, depths=[2, 2], num_heads=[2, 4],
            window_size=7, mlp_ratio=1.5, pretrained_window_sizes=[0, 0],
        ), F16,
    ),
    # Class tokens of several teachers, pixels that the model normalizes; positions of a square larger
    # than the image and smaller; a gated MLP, and a second projection that images do not take.
    "radio": (
        "RadioModel",
        ratio(
            "RadioConfig", 16, 4, mlp_ratio=2.0, max_img_size=32, num_cls_tokens=3,
            num_registers=2,
        ), F32,
    ),
    "radio-gated-f16": (
        "RadioModel",
        ratio(
            "RadioConfig", 16, 4, mlp_ratio=2.0, max_img_size=12, num_cls_tokens=4, num_registers=0,
            summary_idxs=[0, 3, 2], use_swiglu_ffn=True, qkv_bias=False,
            video_temporal_patch_size=2, norm_mean=[0.3, 0.4, 0.5], norm_std=[0.2, 0.3, 0.4],
        ), F16,
    ),
    # As they are written after `make_preprocessor_external`, and without LayerScale.
    "radio-bare-f16": (
        "RadioModel",
        ratio(
            "RadioConfig", 16, 4, mlp_ratio=2.0, max_img_size=16, num_cls_tokens=1, num_registers=3,
            summary_idxs=[0], norm_mean=[0.3, 0.4, 0.5], norm_std=[0.2, 0.3, 0.4],
        ), F16,
    ),
    # Detection tokens after the patches, positions between blocks; the bare model has a pooler.
    "yolos": ("YolosModel", deeper("YolosConfig", (16, 24), 4, num_detection_tokens=5), F32),
    "yolos-detector-f16": (
        "YolosForObjectDetection",
        deeper("YolosConfig", (12, 20), 4, num_detection_tokens=3, qkv_bias=False), F16,
    ),
    # Pixels beyond the last whole patch, no positions between blocks.
    "yolos-plain-f16": (
        "YolosModel",
        deeper(
            "YolosConfig", (18, 18), 4, num_detection_tokens=4, use_mid_position_embeddings=False
        ), F16,
    ),
    "mae": ("ViTMAEModel", tower("ViTMAEConfig", 16, 4, mask_ratio=0.0), F16),
    "mae-decoder": (
        "ViTMAEForPreTraining",
        tower(
            "ViTMAEConfig", 16, 4, mask_ratio=0.0, decoder_hidden_size=16,
            decoder_num_hidden_layers=1, decoder_num_attention_heads=2,
            decoder_intermediate_size=16,
        ), F16,
    ),
    "msn": ("ViTMSNModel", tower("ViTMSNConfig", 16, 4), F16),
    "msn-classifier": ("ViTMSNForImageClassification", tower("ViTMSNConfig", 16, 4), F16),
    # As transformers 5.23 writes it: no prefix before the blocks.
    "msn-classifier-own": ("ViTMSNForImageClassification", tower("ViTMSNConfig", 16, 4), F16),
    "ijepa": ("IJepaModel", tower("IJepaConfig", 16, 4), F16),
    "ijepa-classifier": ("IJepaForImageClassification", tower("IJepaConfig", 16, 4), F16),
}
PROCESSORS = {"owlvit": "OwlViT", "owlv2-detector": "Owlv2"}


def encoder(model: torch.nn.Module) -> torch.nn.Module:
    """The image encoder within a model."""
    for name in ("clip", "owlvit", "owlv2", "siglip", "vit", "ijepa", "beit", "data2vec_vision", "swin",
                 "swinv2"):
        model = getattr(model, name, model)
    return getattr(model, "vision_model", model)


def naflex(config) -> bool:
    """Whether a model takes rows of patches."""
    return config.model_type.startswith("siglip2")


def patches(images: torch.Tensor, patch: int) -> dict:
    """The arguments of a model that takes rows of patches, for images of one size."""
    count, channels, height, width = images.shape
    rows, columns = height // patch, width // patch
    cut = images.reshape(count, channels, rows, patch, columns, patch).permute(0, 2, 4, 3, 5, 1)
    return {
        "pixel_values": cut.reshape(count, rows * columns, -1),
        "pixel_attention_mask": torch.ones(count, rows * columns, dtype=torch.int32),
        "spatial_shapes": torch.tensor([[rows, columns]] * count),
    }


def pooled(model: torch.nn.Module, result) -> torch.Tensor | None:
    """What a model makes of its tokens: where it makes nothing, what a classifier reads."""
    kind = model.config.model_type
    if kind == "ijepa":
        return result.last_hidden_state.mean(1)
    if kind == "internvl_vision":
        tokens = result.last_hidden_state
        return tokens[:, 1:].mean(1) if model.config.use_mean_pooling else tokens[:, 0]
    if kind == "radio":
        return result.summary
    if kind == "yolos":
        return result.last_hidden_state[:, 0]
    if kind == "aimv2_vision_model" and not model.use_head:
        return result.last_hidden_state.mean(1)
    if kind in ("vit_mae", "vit_msn"):
        return result.last_hidden_state[:, 0]
    return getattr(result, "pooler_output", None)


def outputs(model: torch.nn.Module, images: torch.Tensor, resized: bool) -> dict:
    """What a user of the model's class takes of it."""
    if model.config.model_type.startswith(("sam", "vitdet")):
        with torch.inference_mode():
            last = getattr(model, "vision_encoder", model)(images.double())
        # A map of pixels.
        last = last.feature_maps[-1] if "feature_maps" in last else last.last_hidden_state
        return {"tokens": last.flatten(2).transpose(1, 2)}
    captured = {}
    vision = encoder(model)
    def capture(module, _, result) -> None:
        captured.update(tokens=result.last_hidden_state, features=pooled(module, result))
        if module.config.model_type == "yolos" and result.pooler_output is not None:
            captured["pooler"] = result.pooler_output

    hooks = [vision.register_forward_hook(capture)]
    if hasattr(model, "classifier"):
        hooks.append(
            model.classifier.register_forward_pre_hook(
                lambda module, arguments: captured.update(features=arguments[0])
            )
        )
    # What has no table has nothing to interpolate, and some interpolate without being asked.
    free = model.config.model_type.startswith(
        ("dinov3", "donut", "aimv2", "mlcd", "internvl", "pixio", "tipsv2", "radio", "yolos")
    )
    arguments = {"interpolate_pos_encoding": True} if resized and not free else {}
    if naflex(model.config):
        vision_config = getattr(model.config, "vision_config", model.config)
        arguments = patches(images.double(), vision_config.patch_size)
    else:
        arguments["pixel_values"] = images.double()
    if model.config.model_type == "vit_mae":
        # Patches in their order: the smallest noise comes first.
        arguments["noise"] = torch.arange(images.shape[2] * images.shape[3] // 16).expand(2, -1)
    with torch.inference_mode():
        base = getattr(model, "owlv2", model)
        if model.config.model_type in ("blip", "blip-2"):
            vision(**arguments)
        elif hasattr(base, "get_image_features"):
            result = base.get_image_features(**arguments)
            captured["features"] = result.pooler_output
        else:
            result = model(**arguments)
            if hasattr(result, "image_embeds"):
                captured["features"] = result.image_embeds
            if hasattr(model, "classifier"):
                captured["logits"] = result.logits
    for hook in hooks:
        hook.remove()
    return {name: values for name, values in captured.items() if values is not None}


def drop(path, *words: str) -> None:
    """Leaves out the tensors whose names have one of these words."""
    tensors = {
        name: values for name, values in load_file(path).items()
        if not any(word in name for word in words)
    }
    save_file(tensors, path, metadata={"format": "pt"})


def rename(path, prefix: str, buffer: str, positions: int) -> None:
    """Puts a prefix before all names of a file, and a buffer beside the tensors."""
    tensors = {prefix + name: values for name, values in load_file(path).items()}
    tensors[prefix + buffer] = torch.arange(positions)[None]
    save_file(tensors, path, metadata={"format": "pt"})


def nest(path) -> None:
    """Puts `model.` before the names of the blocks."""
    tensors = {
        ("model." if name.startswith("layer.") else "") + name: values
        for name, values in load_file(path).items()
    }
    save_file(tensors, path, metadata={"format": "pt"})


def prefix_blocks(path) -> None:
    """Names the blocks as the hub's files do: transformers 5.23 leaves their prefix out."""
    tensors = {
        ("vit." if name.startswith("encoder.") else "") + name: values
        for name, values in load_file(path).items()
    }
    save_file(tensors, path, metadata={"format": "pt"})


def make(name: str) -> dict:
    """Writes one model's folder; its entry of the index."""
    cls, config, dtype = MODELS[name]
    config = type(config)(**config.to_dict())
    if "Classification" in cls:
        config.id2label = LABELS
        config.label2id = {label: index for index, label in LABELS.items()}
    model = globals()[cls](config)
    randomize(model, f"encoders {name}")
    folder = fresh(FOLDER / name)
    model.to(dtype).save_pretrained(folder)
    vision = getattr(config, "vision_config", config)
    patch = vision.patch_size
    # SigLIP 2's with rows of patches say no image size, but how many positions there are.
    side = patch * round(vision.num_patches**0.5) if naflex(config) else vision.image_size
    if isinstance(patch, (tuple, list)):
        side, patch = side[0], patch[0]
    # AIMv2 with a table has one size, and so has SAM.
    has_table = config.model_type.startswith("aimv2") and not vision.is_native
    if has_table or config.model_type.startswith("sam"):
        sizes = [(side, None)]
    elif "swin" in config.model_type and isinstance(side, int):
        sizes = [(side, None), (side + 4 * patch, side)]
    elif "swin" in config.model_type:
        sizes = [tuple(side)]
    elif isinstance(side, int):
        sizes = [(side, None), (side + 2 * patch, None), (side - patch, side + patch)]
    else:
        own = tuple(side) if side[0] != side[1] else (side[0], None)
        sizes = [own, (side[1] // patch * patch, None)]
    if name.endswith("-v4"):
        rename(
            folder / "model.safetensors", "vision_model.", "embeddings.position_ids",
            (side // patch) ** 2 + 1,
        )
    if name == "radio-bare-f16":
        drop(folder / "model.safetensors", "input_conditioner", "layer_scale")
    if "-nested" in name:
        nest(folder / "model.safetensors")
    if name == "msn-classifier":
        prefix_blocks(folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    if name in PROCESSORS:
        processor = {"image_processor_type": f"{PROCESSORS[name]}ImageProcessor"}
        (folder / "preprocessor_config.json").write_text(json.dumps(processor) + "\n")
    model = globals()[cls].from_pretrained(folder, dtype=torch.float64).eval()
    entries = []
    for size in sizes:
        images = input_images(name, *size)
        golden = outputs(model, images, size != sizes[0])
        entries += write_goldens(folder, size[0], images, golden, size[1])
    return {
        "name": name,
        "class": cls,
        "dtype": str(dtype).removeprefix("torch."),
        "image": sizes[0][0],
        "goldens": entries,
    }


def main() -> None:
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    index = FOLDER / "index.json"
    known = {}
    if sys.argv[1:] and index.exists():
        known = {model["name"]: model for model in json.loads(index.read_text())["models"]}
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        known[name] = make(name)
    write_index(FOLDER, versions, [known[name] for name in MODELS if name in known])


if __name__ == "__main__":
    main()
