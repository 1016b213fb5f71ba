"""What is measured: models, image sizes, batches and thread counts."""

from dataclasses import dataclass


# What vitc's output may differ by from PyTorch's in float64 (relative L2). 8e-6 is what float32 with
# one Strassen level needs; PyTorch's own float32 has 4e-7 on ViT-B/16. In ResNets errors add up over
# 50 and more convolutions: R101x1 has 2.3e-5 in vitc, 1.3e-5 in ONNX Runtime, 1.6e-5 in OpenVINO.
TRANSFORMER_ERROR = 8e-6
RESNET_ERROR = 5e-5
F32_COSINE = 1 - 1e-9
# In rows of bf16 and int8, with the least cosine: bf16 rounds by 2^-9, int8 to a 255th of each
# row's range. ResNets add up errors here too: in bf16 R50x1 has 2.4e-2 and cosine 1 - 2.9e-4 in
# vitc, 4.9e-2 in OpenVINO, 6.2e-2 in PyTorch.
BF16_LIMITS = (0.02, 0.9998)
RESNET_BF16_LIMITS = (0.03, 0.9995)
INT8_LIMITS = (0.08, 0.997)


@dataclass(frozen=True)
class Model:
    """A model of timm or of Scripts/goldens/papermodels.py with seeded weights; `output`: `logits`,
    `tokens` (what `forward_features` gives: every one after the last norm, or the pixels of a map),
    or `features` of a model that has no head in timm."""

    label: str
    timm: str
    size: int = 224
    output: str = "logits"
    error_limit: float = TRANSFORMER_ERROR
    bf16_limits: tuple = BF16_LIMITS

    @property
    def slug(self) -> str:
        name = self.timm.replace("/", "-")
        return f"{name}-{self.size}" + ("-tokens" if self.output == "tokens" else "")


@dataclass(frozen=True)
class Case:
    """One row of the table. `inductor`: also with torch.compile, which takes long to compile.
    `precision`: f32, bf16 or int8, of vitc and of the peers that have it. `avx2`: every runtime is
    told to use nothing beyond AVX2. `attention`: vitc's `--attention int8`."""

    model: Model
    batch: int
    threads: int
    slow: bool = False
    inductor: bool = False
    precision: str = "f32"
    avx2: bool = False
    attention: bool = False

    @property
    def label(self) -> str:
        label = f"{self.model.label}, batch {self.batch}, {plural(self.threads, 'thread')}"
        label += "" if self.precision == "f32" else f", {self.precision}"
        label += ", attention too" if self.attention else ""
        return label + (", AVX2 only" if self.avx2 else "")

    @property
    def lowered(self) -> str:
        """What tells libraries of one model apart: nothing for f32."""
        suffix = "" if self.precision == "f32" else f"-{self.precision}"
        return suffix + ("-attention" if self.attention else "")

    @property
    def limits(self) -> tuple:
        """The largest relative L2 error that vitc may have, and the least cosine."""
        return {
            "f32": (self.model.error_limit, F32_COSINE),
            "bf16": self.model.bf16_limits,
            "int8": INT8_LIMITS,
        }[self.precision]


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


BASE = Model("ViT-B/16", "vit_base_patch16_224")
LARGE = Model("ViT-L/16", "vit_large_patch16_224")
BASE32 = Model("ViT-B/32", "vit_base_patch32_224")
SMALL = Model("ViT-S/16", "vit_small_patch16_224")
TINY = Model("ViT-Ti/16", "vit_tiny_patch16_224")
HUGE = Model("ViT-H/14", "vit_huge_patch14_224", output="features")  # timm's has no head
BASE384 = Model("ViT-B/16 at 384", "vit_base_patch16_384", 384)
DINO224 = Model("DINOv2 ViT-S/14, all tokens, 224", "vit_small_patch14_dinov2", 224, "tokens")
DINO518 = Model("DINOv2 ViT-S/14, all tokens, 518", "vit_small_patch14_dinov2", 518, "tokens")
R50X1 = Model(
    "ResNet R50x1", "resnetv2_50x1_bit", error_limit=RESNET_ERROR, bf16_limits=RESNET_BF16_LIMITS
)
R101X1 = Model("ResNet R101x1", "R101x1", error_limit=RESNET_ERROR)
R152X2 = Model("ResNet R152x2", "resnetv2_152x2_bit", error_limit=RESNET_ERROR)
R50_BASE16 = Model(
    "Hybrid R50+ViT-B/16", "vit_base_r50_s16_224", 224, "features", error_limit=RESNET_ERROR
)
R50_BASE32 = Model("Hybrid R50+ViT-B/32", "R50+ViT-B/32", error_limit=RESNET_ERROR)
R50_LARGE16 = Model("Hybrid R50+ViT-L/16", "R50+ViT-L/16", error_limit=RESNET_ERROR)
R50_LARGE32 = Model("Hybrid R50+ViT-L/32", "vit_large_r50_s32_224", error_limit=RESNET_ERROR)
R26_SMALL32 = Model("Hybrid R26+ViT-S/32", "vit_small_r26_s32_224", error_limit=RESNET_ERROR)
# CLIP's logits in timm are its projected vector; a SigLIP has what its learned query gathers.
CLIP_BASE = Model("CLIP ViT-B/16", "vit_base_patch16_clip_quickgelu_224")
CLIP_LARGE = Model("CLIP ViT-L/14", "vit_large_patch14_clip_quickgelu_224")
SIGLIP_BASE = Model("SigLIP 2 B/16 at 256", "vit_base_patch16_siglip_256", 256, "features")
SIGLIP_SO400M = Model(
    "SigLIP 2 So400m/14 at 384", "vit_so400m_patch14_siglip_384", 384, "features"
)
DINO3_SMALL = Model("DINOv3 ViT-S/16 at 256", "vit_small_patch16_dinov3", 256, "features")
DINO3_BASE = Model("DINOv3 ViT-B/16 at 256", "vit_base_patch16_dinov3", 256, "features")
DINO3_SMALL512 = Model("DINOv3 ViT-S/16 at 512", "vit_small_patch16_dinov3", 512, "features")
DINO3_BASE512 = Model("DINOv3 ViT-B/16 at 512", "vit_base_patch16_dinov3", 512, "features")
EVA02_BASE = Model("EVA-02 B/14", "eva02_base_patch14_224", output="features")
SAM_BASE = Model("SAM ViT-B at 1024", "samvit_base_patch16", 1024, "tokens")
SWIN_TINY = Model("Swin-T", "swin_tiny_patch4_window7_224")

CASES = [
    Case(BASE, 1, 2, inductor=True),
    Case(BASE, 1, 1, inductor=True),
    Case(BASE, 8, 2),
    Case(LARGE, 1, 2),
    Case(LARGE, 1, 1),
    Case(LARGE, 8, 2),
    Case(BASE32, 1, 2),
    Case(BASE32, 1, 1),
    Case(BASE32, 8, 2),
    Case(SMALL, 1, 2),
    Case(SMALL, 1, 1),
    Case(SMALL, 8, 2),
    Case(TINY, 1, 2),
    Case(TINY, 1, 1),
    Case(TINY, 8, 2),
    Case(HUGE, 1, 2, slow=True),
    Case(HUGE, 1, 1, slow=True),
    Case(HUGE, 8, 2, slow=True),
    Case(DINO224, 1, 2),
    Case(DINO518, 1, 2),
    Case(BASE384, 1, 2),
    Case(R50X1, 1, 2),
    Case(R50X1, 1, 1),
    Case(R50X1, 8, 2),
    Case(R101X1, 1, 2),
    Case(R152X2, 1, 2),
    Case(R50_BASE16, 1, 2),
    Case(R50_BASE32, 1, 2),
    Case(R50_LARGE16, 1, 2),
    Case(R50_LARGE32, 1, 2),
    Case(R26_SMALL32, 1, 2),
    Case(CLIP_BASE, 1, 2),
    Case(CLIP_LARGE, 1, 2),
    Case(SIGLIP_BASE, 1, 2),
    Case(SIGLIP_SO400M, 1, 2),
    Case(DINO3_SMALL, 1, 2),
    Case(DINO3_BASE, 1, 2),
    Case(DINO3_SMALL512, 1, 2),
    Case(DINO3_BASE512, 1, 2),
    Case(EVA02_BASE, 1, 2),
    Case(SAM_BASE, 1, 2),
    Case(SWIN_TINY, 1, 2),
] + [
    Case(model, batch, threads, precision=precision)
    for precision in ("bf16", "int8")
    for model, batch, threads in [
        (BASE, 1, 2), (BASE, 1, 1), (BASE, 8, 2), (LARGE, 1, 2), (SMALL, 1, 2),
        (SIGLIP_BASE, 1, 2), (DINO3_BASE, 1, 2),
    ]
] + [
    Case(R50X1, 1, 2, precision="bf16"),  # in int8 its convolutions are of bf16 too
    Case(DINO518, 1, 2, precision="int8"),
    Case(DINO518, 1, 2, precision="int8", attention=True),
] + [
    Case(model, 1, 2, inductor=True, precision=precision, avx2=True)
    for precision in ("f32", "int8")
    for model in (BASE, SMALL)
]
