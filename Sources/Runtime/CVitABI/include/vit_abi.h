/* The binary interface of a compiled model, version 2.
 *
 * Three parties share these layouts: the generated code (Sources/Codegen), the runtime that is
 * linked into every compiled model (Sources/Runtime/Embedded), and the Swift library that loads one
 * (Sources/Runtime/VitRuntime). The header that vitc writes beside a model, NAME.h, declares the
 * same public layouts under NAME's prefix.
 *
 * Rules: a struct grows at its end only and says its size first; a change of meaning or of an
 * existing field raises VIT_ABI_VERSION. Sizes in bytes are named so, all others count elements.
 */
#ifndef VIT_ABI_H
#define VIT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIT_ABI_VERSION 2u

/* ---- Public part ---------------------------------------------------------------------------- */

/* What every call that can fail returns; the text of the failure is last_error's. */
typedef int32_t vit_status;
#define VIT_OK 0
#define VIT_INVALID_ARGUMENT 1   /* a null pointer, a zero count, a size out of range */
#define VIT_OUT_OF_MEMORY 2      /* memory for a model, a context or preprocessing */
#define VIT_WEIGHTS_UNREADABLE 3 /* the weights file is absent or cannot be mapped */
#define VIT_WEIGHTS_MISMATCH 4   /* the weights file is another model's, truncated or damaged */
#define VIT_NO_THREADS 5         /* the system refused to start the pool's threads */
#define VIT_UNSUPPORTED_CPU 6    /* this CPU or kernel lacks what all the code here needs */
#define VIT_SELFTEST_FAILED 7    /* a run differs from the self-test values beyond the limit */
#define VIT_NO_SELFTEST 8          /* the library holds no self-test values to compare with */

typedef struct vit_model vit_model;     /* weights: immutable, shared by any number of contexts */
typedef struct vit_context vit_context; /* arena and threads: one run at a time */

/* Runs task(argument, i) for every i in 0..<count, in any order, on any threads, and returns when
 * all are done. It may be left by a C++ exception, or by longjmp, when no task is running: the run is
 * given up, its outputs hold anything, and the context may be used again. */
typedef void (*vit_parallel_for)(void *context, int32_t count,
                                 void (*task)(void *argument, int32_t index), void *argument);

typedef struct vit_options {
  size_t size;                   /* sizeof(vit_options) of the caller; fields beyond it default */
  int32_t threads;               /* tasks that a run is split into; 0: one for each processor that the
                                    process may use: by its affinity and by the quotas of its
                                    control groups. An image is split into no more of them than
                                    pay, vit_program.profitable_threads. */
  int32_t reserved;              /* 0 */
  vit_parallel_for parallel_for; /* NULL: a pool of `threads - 1` threads in each context */
  void *parallel_for_context;    /* handed to parallel_for */
  const char *weights_path;      /* NULL: embedded weights, or the weights file beside the library */
  const char *isa; /* the instruction set to run, such as "x86-64-v3" or "v3"; NULL: what the
                      environment variable VITC_ISA names, else the best that this CPU runs */
  int32_t step_times; /* 1: contexts measure the time of each step, for vit_context_stats */
  int32_t reserved2;  /* 0 */
} vit_options;

typedef struct vit_tensor {
  const char *name;  /* "images", "ids", "logits", "features_unit", "layer11" … */
  const char *dtype; /* "f32", or "f16": IEEE 754 binary16; of an input "ids": "i32" */
  int32_t rank;      /* of one image's tensor, the batch dimension not counted */
  int32_t reserved;
  int64_t shape[4];
  uint64_t elements; /* of one image: the product of shape */
} vit_tensor;

typedef struct vit_description {
  size_t size;
  uint32_t abi_version;
  int32_t output_count;
  const char *name;             /* the prefix of every exported symbol */
  const char *model;            /* the variant, such as "vit_base_patch16_224" */
  const char *compiler_version; /* of vitc */
  const char *target;           /* triple and instruction sets: "x86_64-unknown-linux-gnu x86-64-v3" */
  const char *weights_hash;     /* XXH3-128 of the packed weights, 32 hexadecimal digits */
  vit_tensor input;             /* one image, planar: channels, height, width; or "ids", the tokens
                                   of one text, of dtype "i32" */
  const vit_tensor *outputs;    /* output_count of them */
  uint64_t parameters;          /* of the checkpoint's tensors that the model reads */
  uint64_t flops;               /* of one image, 2 per multiply-add, after optimization */
  uint64_t weights_bytes;       /* packed */
  uint64_t arena_bytes;         /* of activations, for each task that runs an image of its own */
  const char *json;             /* preprocessing, labels, passes: everything else, as JSON */
  const char *isas; /* the instruction sets there is code for, the baseline first, with commas:
                       "x86-64-v2,x86-64-v3,x86-64-v4" */
  const char *scores; /* what makes scores of the logits: "softmax", "sigmoid" (of each by itself, for
                         labels that do not exclude each other) or "identity" (they are values, of
                         a regression); NULL where there are no logits */
} vit_description;

/* One image of a run of several sizes. */
typedef struct vit_sized_image {
  const float *image;   /* [channels, height, width] of its size, aligned to 4 bytes */
  void *const *outputs; /* output_count places, for this image; a null one is not written */
  int32_t size;         /* its size: the place in what NAME_sizes() returns */
  int32_t reserved;     /* 0 */
} vit_sized_image;

/* What a self-test found. */
typedef struct vit_selftest_result {
  size_t size;  /* sizeof(vit_selftest_result) of the caller */
  double error; /* the largest of |y - stored| / max(|stored|, the output's root mean square); infinite
                   where y is not a number */
  double limit; /* the largest error that passes */
} vit_selftest_result;

/* What a context did since it was made. */
typedef struct vit_context_stats {
  size_t size;          /* sizeof(vit_context_stats) of the caller */
  uint64_t runs;        /* those that returned VIT_OK */
  uint64_t images;      /* of these runs; of a text tower texts */
  uint64_t nanoseconds; /* that these runs took */
  uint64_t *step_nanoseconds; /* NULL, or where step_capacity numbers may be written: of each step,
                                 in the order of `steps` in the description's JSON, the time that
                                 the thread which calls spent, waiting for the others included: of
                                 a batch, on the images that this thread had a share in; of
                                 several sizes those of the first */
  int32_t step_capacity;
  int32_t step_count; /* written: how many steps there are, 0 without step_times */
} vit_context_stats;

/* A picture as an application has it. */
typedef struct vit_picture {
  size_t size;               /* sizeof(vit_picture) of the caller */
  const uint8_t *pixels;     /* of the row that is on top as it is stored; of NV12 the luma */
  const uint8_t *chroma;     /* of NV12 the plane of Cb and Cr in turn, for 2 x 2 pixels each; of all
                                else not read */
  ptrdiff_t row_bytes;       /* from a row to the next; negative where the top one comes last */
  ptrdiff_t chroma_row_bytes; /* of NV12 the same of the chroma */
  int32_t width;             /* in pixels, as stored: before it is turned */
  int32_t height;
  int32_t format;      /* VIT_PICTURE_RGB ... */
  int32_t orientation; /* what EXIF says of how it is stored, 1 to 8: it is turned upright first;
                          0: as 1, it is upright */
  int32_t input;       /* which of the model's sizes of input it is for; 0: the first */
  int32_t reserved;    /* 0 */
} vit_picture;

#define VIT_PICTURE_RGB 0
#define VIT_PICTURE_BGR 1
#define VIT_PICTURE_RGBA 2 /* alpha not multiplied in; dropped, or put on white where the checkpoint's
                              preprocessing does */
#define VIT_PICTURE_BGRA 3
#define VIT_PICTURE_GREY 4 /* one byte a pixel */
#define VIT_PICTURE_NV12 5 /* Y'CbCr by BT.601 in its narrow range (luma 16...235): R = 1.16438 (Y -
                              16) + 1.59602 (Cr - 128), G = ... - 0.39177 (Cb - 128) - 0.81297 (Cr -
                              128), B = ... + 2.01723 (Cb - 128), rounded; 2 x 2 pixels share their
                              chroma; with odd extents the last column and row have their own */

/* What NAME_vitc_entry() returns: every exported function of one model, for generic loaders. */
typedef struct vit_entry {
  size_t size;
  uint32_t abi_version;
  uint32_t reserved;
  const vit_description *(*description)(void);
  vit_status (*create)(const vit_options *options, vit_model **model);
  void (*destroy)(vit_model *model);
  vit_status (*context_create)(vit_model *model, vit_context **context);
  void (*context_destroy)(vit_context *context);
  /* images: [count, channels, height, width]; of a text tower ids: [count, length] of int32_t,
   * by their address. output: the first output, [count, its shape], of its dtype.
   * Each task runs as many whole images as there are for all of them; those that are left go in
   * rounds, of as many teams as the largest divisor of the number of tasks that is not above the
   * number of images left, each team with an image. A share of a step is `task` of the team's
   * number. The bits depend on none of it. */
  vit_status (*run)(vit_context *context, const float *images, size_t count, void *output);
  /* outputs: output_count pointers, in the description's order; a null one is not written. */
  vit_status (*run_all)(vit_context *context, const float *images, size_t count,
                        void *const *outputs);
  /* One RGB image, 8 bits a channel, rows row_bytes apart, resized, cropped and normalized as the
   * checkpoint wants it; image: [channels, height, width]. */
  vit_status (*preprocess)(const uint8_t *rgb, int32_t width, int32_t height, size_t row_bytes,
                           float *image);
  const char *(*last_error)(void); /* of the calling thread; valid until its next failing call */
  /* The instruction set that a model runs; for NULL, the one that a model made now with default
   * options would run, or NULL if there is none. Registers that the kernel grants on request are
   * taken for granted. */
  const char *(*isa)(const vit_model *model);
  /* Runs one image made by vit_selftest_pixel with the model's instruction set and compares the
   * outputs with the self-test values. Takes as long as making a context and one run. result: written
   * if the run took place, NULL if not wanted. */
  vit_status (*selftest)(vit_model *model, vit_selftest_result *result);
  /* What a context did; not during its run. */
  vit_status (*context_stats)(vit_context *context, vit_context_stats *stats);
  /* As preprocess, for a picture of any of the formats; image: [channels, height, width]. */
  vit_status (*preprocess_picture)(const vit_picture *picture, float *image);
  /* The same of `count` pictures, one after the other, each as long as the first says, on the
   * context's threads; images: [count, channels, height, width]. The text of a failure names the
   * first picture that failed; the images hold anything then. */
  vit_status (*preprocess_pictures)(vit_context *context, const vit_picture *pictures,
                                    size_t count, float *images);
  /* Of a text tower, NULL where the library holds no tokenizer: makes of a text in UTF-8, of
   * text_bytes bytes, the ids that run reads, [length], padded or cut as the checkpoint's library does.
   * whole_count: how many ids the whole text has without padding, those around it included: more than
   * length if it was cut; NULL if not wanted. Needs no model; from any thread. */
  vit_status (*tokenize)(const char *text, size_t text_bytes, int32_t *ids, size_t *whole_count);
  /* What follows is NULL in a library for images of one size. Where a size is asked for, it is the
   * place in what sizes() returns; a model, a context and a self-test are of all sizes. */
  /* The description of each size, the first that of description(), NULL after the last. They differ
   * in the shapes of input and outputs, flops, arena_bytes and json, of which the first alone has
   * the labels. */
  const vit_description *const *(*sizes)(void);
  /* As run and run_all, which run the first size. */
  vit_status (*run_sized)(vit_context *context, int32_t size, const float *images, size_t count,
                          void *output);
  vit_status (*run_all_sized)(vit_context *context, int32_t size, const float *images,
                              size_t count, void *const *outputs);
  /* Images of any sizes: as many whole ones at a time as there are tasks, the others by teams of
   * tasks, in order. The same bits as a run of each image by itself. */
  vit_status (*run_mixed)(vit_context *context, const vit_sized_image *images, size_t count);
  /* As preprocess, which makes an image of the first size. */
  vit_status (*preprocess_sized)(const uint8_t *rgb, int32_t width, int32_t height,
                                 size_t row_bytes, int32_t size, float *image);
  /* Which size the checkpoint's preprocessing makes of a picture: the first, unless it goes by the
   * picture's extents. One that the library is not compiled for is VIT_INVALID_ARGUMENT. */
  vit_status (*size_for)(int32_t width, int32_t height, int32_t *size);
} vit_entry;

/* ---- Private part: generated code and the embedded runtime ---------------------------------- */

/* What one task of one step sees. Offsets in generated code are relative to these bases. */
typedef struct vit_frame {
  const char *weights;   /* the packed weights, 64-byte aligned */
  char *arena;           /* activations of the image in work, 64-byte aligned */
  char *scratch;         /* this task's own, scratch_bytes of the program, 64-byte aligned */
  const float *image;    /* [channels, height, width] */
  void *const *outputs;  /* one image's place in each output; never null inside a step */
  char *pieces; /* for each task, VIT_PIECES_BYTES apart, a uint32_t: how many pieces of its share have
                  been taken, VIT_PIECES_CLOSED and more: none may be. NULL: nobody helps anybody. */
  int64_t spare; /* how many pieces a task leaves of the share that it works on: 0 of its own, 1 of
                    another's */
} vit_frame;

#define VIT_PIECES_BYTES 128 /* two lines of a cache */
#define VIT_PIECES_CLOSED 0x80000000u

/* Does share `task` of `count` of one step. Steps of one image run in order, with a barrier
 * between two of them. Between the time when a task begins its share and the barrier, others may
 * help with it: with `pieces`, and `spare` not 0. */
typedef void (*vit_step)(const vit_frame *frame, int32_t task, int32_t count);

/* How an RGB image becomes the model's input: a resize, a window of the input's size on its result,
 * and value * scale + shift. Channels are counted as the input has them. */
typedef struct vit_preprocessing {
  const char *refusal; /* NULL; else why no image can be preprocessed, and nothing else holds */
  int32_t resize;      /* VIT_RESIZE_NONE ... */
  int32_t resize_width;
  int32_t resize_height;
  int32_t longest_edge; /* of VIT_RESIZE_SHORTEST: what the other edge is at most; 0: no limit */
  int32_t filter; /* PIL's codes: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming */
  int32_t arithmetic; /* VIT_RESIZE_IN_BYTES or VIT_RESIZE_IN_FLOATS */
  int32_t window;     /* VIT_WINDOW_CENTERED ... */
  int32_t crop_rounding; /* of half the excess of a centred window: 0 to nearest even, pads to floor
                            (torchvision, timm); 1 both to floor (transformers, torchvision's back
                            end); 2 crops to floor, pads to ceiling (transformers, PIL's) */
  int32_t is_bgr;        /* 1: the input's first channel is blue */
  float scale[3];        /* channel c: value * scale[c] + shift[c], value 0...255 */
  float shift[3];
  float border[3]; /* what the input holds where the window reaches beyond the resized image */
  int32_t alpha_on_white; /* 1: a transparent picture is put on white; 0: its alpha is dropped */
  int32_t multiple; /* of VIT_RESIZE_PATCHES and VIT_RESIZE_MULTIPLES: what extents are multiples of */
} vit_preprocessing;

/* The size of the resized image, each from a height h and a width w, as Python computes it. */
#define VIT_RESIZE_NONE 0
#define VIT_RESIZE_EXACT 1    /* resize_height x resize_width, the aspect not kept */
#define VIT_RESIZE_SHORTEST 2 /* the shortest edge: resize_height; the other: truncated */
#define VIT_RESIZE_COVER 3    /* over ratio = min(h / resize_height, w / resize_width), rounded to
                                 the nearest, ties to even (timm's ResizeKeepRatio) */
#define VIT_RESIZE_FIT 4      /* the same with max */
#define VIT_RESIZE_LONGEST 5  /* by resize_height / max(h, w), halves up (SAM) */
#define VIT_RESIZE_WITHIN 6   /* by min(resize_height / h, resize_width / w), truncated */
#define VIT_RESIZE_PATCHES 7  /* by the largest scale, found by bisection, at which there are at most
                                 resize_height patches of `multiple` pixels a side; extents are
                                 rounded up to whole patches (SigLIP 2's NaFlex) */
#define VIT_RESIZE_MULTIPLES 8 /* by that of resize_height / h and resize_width / w which is nearer to
                                  1; extents are rounded to multiples of `multiple`, ties to even (DPT
                                  with keep_aspect_ratio) */

#define VIT_RESIZE_IN_BYTES 0  /* as PIL: rounded to 8 bits after each pass, bit for bit */
#define VIT_RESIZE_IN_FLOATS 1 /* as PyTorch resizes floats, antialiased: bilinear and bicubic */

/* Where the window is, and what it does where the resized image has another size. */
#define VIT_WINDOW_CENTERED 0 /* in the middle: crops, and pads with border */
#define VIT_WINDOW_TOP_LEFT 1 /* in the corner: crops, and pads with border */
#define VIT_WINDOW_EQUAL 2    /* the resized image must have the input's size, else it is an error */

/* Bits that a CPU must have, all of them: of a register of CPUID; of XCR0, where the kernel says
 * which registers it keeps; of the low half of an entry of the auxiliary vector, where Linux says
 * what a 64-bit Arm processor has; or 1, if Linux grants the process registers that it saves only
 * for processes that ask. A library asks when it makes a model that uses them. */
typedef struct vit_cpu_feature {
  const char *name; /* as compilers and /proc/cpuinfo call it */
  uint32_t source;  /* VIT_CPUID, VIT_XCR0, VIT_AUXILIARY or VIT_PERMISSION */
  uint32_t leaf;    /* of CPUID; the entry: AT_HWCAP, AT_HWCAP2; the registers' bit in XCR0 */
  uint32_t subleaf;
  uint32_t index; /* of the register: EAX, EBX, ECX, EDX */
  uint32_t bits;
  uint32_t reserved;
} vit_cpu_feature;
#define VIT_CPUID 0
#define VIT_XCR0 1
#define VIT_AUXILIARY 2
#define VIT_PERMISSION 3

/* The code for one instruction set. */
typedef struct vit_isa {
  const char *name;        /* as in `vitc list targets`: "x86-64-v3" */
  uint64_t scratch_bytes;  /* of one task */
  const vit_step *steps; /* step_count of them */
  const vit_cpu_feature *features; /* what it needs */
  int32_t feature_count;
  int32_t reserved;
} vit_isa;

/* Of one output for the self-test image: its root mean square, and up to VIT_SELFTEST_VALUES of its
 * values, evenly spaced. */
#define VIT_SELFTEST_VALUES 64
typedef struct vit_selftest_values {
  float rms;
  float values[VIT_SELFTEST_VALUES];
} vit_selftest_values;

/* What a library proves of itself: a record that is found in the file by its mark, without loading
 * the library. `output_count` structs vit_selftest_values follow it. */
typedef struct vit_proof {
  uint64_t mark[2]; /* VIT_PROOF_MARK_LOW, VIT_PROOF_MARK_HIGH */
  uint64_t weights_bytes;
  uint64_t weights_hash[2];    /* XXH3-128: low, high */
  char weights_file_name[80];  /* beside the library; "" for embedded weights */
  uint32_t output_count; /* of all sizes together */
  uint32_t has_values; /* 1 if the self-test values are there, else 0 and they are zero */
  float limit;         /* of vit_selftest_result.error */
  uint32_t reserved;
} vit_proof;
#define VIT_PROOF_MARK_LOW 0x466f6f7250435456ull /* "VTCProoF" */
#define VIT_PROOF_MARK_HIGH 0x9d1ea70c5b38f246ull /* any bytes that are not text */

/* What a library says of itself, found in the file by its mark, without loading the library and
 * whatever its architecture. After it stand facts_bytes of JSON, the fields of vit_description, and
 * details_bytes of JSON, which vit_description.json points to; a zero byte ends each. */
typedef struct vit_record {
  uint64_t mark[2]; /* VIT_RECORD_MARK_LOW, VIT_RECORD_MARK_HIGH */
  uint64_t facts_bytes;
  uint64_t details_bytes;
} vit_record;
#define VIT_RECORD_MARK_LOW 0x5364726f63655256ull /* "VRecordS" */
#define VIT_RECORD_MARK_HIGH 0xb3e1c98a5d07f264ull /* any bytes that are not text */

static inline const vit_selftest_values *vit_proof_values(const vit_proof *proof, size_t output) {
  return (const vit_selftest_values *)(proof + 1) + output;
}

/* Element `index` of the self-test image, -2...2, uniform and exact: SplitMix64 as a function of the
 * index (doi:10.1145/2714064.2660195), its upper 24 bits. */
static inline float vit_selftest_pixel(uint64_t index) {
  uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return (float)(int32_t)(z >> 40) / (float)(1 << 22) - 2.0f;
}

/* The size of an element of a tensor: 4 of "f32", 2 of "f16". */
static inline size_t vit_element_bytes(const char *dtype) {
  return dtype && dtype[0] == 'f' && dtype[1] == '1' ? 2 : 4;
}

/* The value of a binary16: fraction and exponent shifted, times 2^112, which makes subnormal numbers
 * right too. */
static inline float vit_half_value(uint16_t half) {
  uint32_t magnitude = half & 0x7fffu, bits = magnitude << 13;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  value *= 5192296858534827628530496329220096.0f; /* 2^112 */
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (magnitude >= 0x7c00u) bits |= 0x7f800000u;
  bits |= (uint32_t)(half & 0x8000u) << 16;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/* Token `index` of the self-test text of `length` tokens: below `limit`, the last one `required`
 * unless that is negative. */
static inline int32_t vit_selftest_token(uint64_t index, uint64_t length, int32_t limit,
                                         int32_t required) {
  if (required >= 0 && index + 1 == length) return required;
  return (int32_t)((vit_selftest_pixel(index) + 2.0f) / 4.0f * (float)limit) % limit;
}

/* How many self-test values an output of so many elements has, and which element the `value`-th is. */
static inline size_t vit_selftest_count(size_t elements) {
  return elements < VIT_SELFTEST_VALUES ? elements : VIT_SELFTEST_VALUES;
}
static inline size_t vit_selftest_index(size_t value, size_t elements) {
  return value * elements / vit_selftest_count(elements);
}
static inline float vit_selftest_value(const vit_selftest_values *golden, size_t value) {
  return golden->values[value];
}

typedef struct vit_program {
  size_t size;
  const vit_description *description;
  const char *weights;           /* embedded, or NULL: in a file */
  const char *weights_file_name; /* beside the library, for weights == NULL */
  uint64_t weights_bytes;
  uint64_t weights_hash[2]; /* XXH3-128: low, high */
  uint64_t arena_bytes;
  int32_t step_count;
  int32_t isa_count;
  const vit_isa *const *isas; /* from the baseline to the best */
  const vit_preprocessing *preprocessing;
  char *(*error_text)(void); /* a thread-local buffer of VIT_ERROR_BYTES */
  const vit_proof *proof;    /* NULL: no self-test values */
  int32_t token_limit;       /* of a text tower: tokens are 0...token_limit - 1; 0: images are read */
  int32_t token_required;    /* a token without which a text is refused; -1: there is none */
  const void *tokenizer;     /* of a text tower: a table as Sources/Runtime/Tokenizing reads it, 8-byte
                                aligned; NULL: there is none */
  int32_t proof_first;       /* which values of the proof are those of the first output */
  int32_t further_count;     /* of a program of several sizes: the sizes after this one */
  const struct vit_program *const *further; /* their programs; the weights are found by this one */
  int32_t profitable_threads; /* more threads than these do not make an image of this size noticeably
                                 faster, by the compiler's count of the work; 0: nothing is known */
  int32_t reserved;           /* 0 */
} vit_program;

#define VIT_ERROR_BYTES 512

/* A weights file: this header, zero padding to offset VIT_WEIGHTS_OFFSET, then weights_bytes of
 * packed weights. Little endian. */
#define VIT_WEIGHTS_MAGIC 0x3154485743544956ull /* "VITCWHT1" */
#define VIT_WEIGHTS_OFFSET 4096
typedef struct vit_weights_header {
  uint64_t magic;
  uint32_t abi_version;
  uint32_t reserved;
  uint64_t weights_bytes;
  uint64_t weights_hash[2];
} vit_weights_header;

/* What the embedded runtime exports to generated code; made local before the model is linked. */
vit_status vit_rt_create(const vit_program *program, const vit_options *options, vit_model **model);
void vit_rt_destroy(vit_model *model);
vit_status vit_rt_context_create(const vit_program *program, vit_model *model,
                                 vit_context **context);
void vit_rt_context_destroy(vit_context *context);
vit_status vit_rt_run(const vit_program *program, vit_context *context, const float *images,
                      size_t count, void *output);
vit_status vit_rt_run_all(const vit_program *program, vit_context *context, const float *images,
                          size_t count, void *const *outputs);
/* Ends a run that a C++ exception leaves: generated code calls it when one of the vit_rt_run…
 * is unwound, which only the caller's parallel_for can cause. */
void vit_rt_leave(vit_context *context);
vit_status vit_rt_preprocess(const vit_program *program, const uint8_t *rgb, int32_t width,
                             int32_t height, size_t row_bytes, float *image);
vit_status vit_rt_preprocess_picture(const vit_program *program, const vit_picture *picture,
                                     float *image);
vit_status vit_rt_preprocess_pictures(const vit_program *program, vit_context *context,
                                      const vit_picture *pictures, size_t count, float *images);
vit_status vit_rt_context_stats(const vit_program *program, vit_context *context,
                                vit_context_stats *stats);
vit_status vit_rt_run_sized(const vit_program *program, vit_context *context, int32_t size,
                            const float *images, size_t count, void *output);
vit_status vit_rt_run_all_sized(const vit_program *program, vit_context *context, int32_t size,
                                const float *images, size_t count, void *const *outputs);
vit_status vit_rt_run_mixed(const vit_program *program, vit_context *context,
                            const vit_sized_image *images, size_t count);
vit_status vit_rt_preprocess_sized(const vit_program *program, const uint8_t *rgb, int32_t width,
                                   int32_t height, size_t row_bytes, int32_t size, float *image);
vit_status vit_rt_size_for(const vit_program *program, int32_t width, int32_t height,
                           int32_t *size);
const char *vit_rt_isa(const vit_program *program, const vit_model *model);
vit_status vit_rt_selftest(const vit_program *program, vit_model *model,
                           vit_selftest_result *result);
/* In an object of its own, which only libraries with a tokenizer hold. */
vit_status vit_rt_tokenize(const vit_program *program, const char *text, size_t text_bytes,
                           int32_t *ids, size_t *whole_count);

#ifdef __cplusplus
}
#endif

#endif
