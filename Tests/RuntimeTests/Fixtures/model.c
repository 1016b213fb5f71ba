/* A stand-in for generated code: a "model" of three steps that need their barriers, for the tests
 * of runtime and packaging. Compile with -DNAME=..., and optionally
 *   -DABI=n          the interface version that it claims
 *   -DUNSUPPORTED    instruction sets that no CPU has; -DUNSUPPORTED=n: from the n-th on
 *   -DGRANTED=n      from the n-th on they want nothing but registers that the kernel is asked for
 *   -DFIRST_ABI      tables of the sizes that they had at first
 *   -DWEIGHTS_FILE="name"   weights in a file
 *   -DHASH_LOW=n -DHASH_HIGH=n
 *   -DARENA_BYTES=n  a size that no machine has
 *   -DNO_PROOF       no record of the weights, nor self-test values
 *   -DCODE_BYTES=n   so many bytes more of read-only data
 *
 * tokens[i]  = image[i] * w[i] + image[N-1-i] * w[N-1-i]       i < N = 3 * 4 * 5
 * logits[c]  = sum of (c + 1) * tokens[i] over i % 7 == c      c < 7
 */
#include "vit_abi.h"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define STRING2(a) #a
#define STRING(a) STRING2(a)
#define F(suffix) JOIN(NAME, suffix)
#ifndef ABI
#define ABI VIT_ABI_VERSION
#endif
#ifndef ARENA_BYTES
#define ARENA_BYTES (2 * N * sizeof(float))
#endif
#ifndef HASH_LOW
#define HASH_LOW 0
#define HASH_HIGH 0
#endif
#ifdef FIRST_ABI
#define DESCRIPTION_BYTES offsetof(vit_description, isas)
#define ENTRY_BYTES offsetof(vit_entry, isa)
#else
#define DESCRIPTION_BYTES sizeof(vit_description)
#define ENTRY_BYTES sizeof(vit_entry)
#endif
#define HEIGHT 4
#define WIDTH 5
#define N (3 * HEIGHT * WIDTH)
#define CLASSES 7

#ifdef CODE_BYTES
static const volatile char code[CODE_BYTES] = {1, 2, 3};
#define CODE_VALUE code[2]
#else
#define CODE_VALUE 3
#endif

static void range(int32_t task, int32_t count, int n, int *from, int *to) {
  *from = n * task / count;
  *to = n * (task + 1) / count;
}

static void scale(const vit_frame *f, int32_t task, int32_t count) {
  if (f->spare) return;
  const float *w = (const float *)f->weights;
  float *products = (float *)f->arena;
  int from, to;
  range(task, count, N, &from, &to);
  const float one = CODE_VALUE - 2;
  for (int i = from; i < to; ++i) products[i] = f->image[i] * w[i] * one;
}

static void fold(const vit_frame *f, int32_t task, int32_t count) {
  if (f->spare) return;
  const float *products = (const float *)f->arena;
  float *mine = (float *)f->scratch;
  int from, to;
  range(task, count, N, &from, &to);
  for (int i = from; i < to; ++i) mine[i - from] = products[i] + products[N - 1 - i];
  float *tokens = f->outputs[1];
  for (int i = from; i < to; ++i) tokens[i] = mine[i - from];
}

static void classify(const vit_frame *f, int32_t task, int32_t count) {
  if (f->spare) return;
  const float *tokens = f->outputs[1];
  float *logits = f->outputs[0];
  int from, to;
  range(task, count, CLASSES, &from, &to);
  for (int c = from; c < to; ++c) {
    float sum = 0;
    for (int i = c; i < N; i += CLASSES) sum += (float)(c + 1) * tokens[i];
    logits[c] = sum;
  }
}

static const vit_step steps[] = {scale, fold, classify};
static const vit_tensor outputs[] = {
    {"logits", "f32", 1, 0, {CLASSES, 0, 0, 0}, CLASSES},
    {"tokens", "f32", 2, 0, {3, HEIGHT * WIDTH, 0, 0}, N},
};
static const vit_description description = {
    DESCRIPTION_BYTES, ABI, 2, STRING(NAME), "fixture", "0", "any", "0",
    {"images", "f32", 3, 0, {3, HEIGHT, WIDTH, 0}, N}, outputs, N, 4 * N, N * sizeof(float),
    ARENA_BYTES, "{}", "toy-v1,toy-v2,toy-v3"};
static const vit_preprocessing preprocessing = {
    .resize = VIT_RESIZE_EXACT, .resize_width = WIDTH, .resize_height = HEIGHT, .filter = 3,
    .scale = {1.f / 255, 1.f / 255, 1.f / 255}};

static _Thread_local char text[VIT_ERROR_BYTES];
static char *error_text(void) { return text; }

/* A leaf of CPUID that does not exist; of two registers, one that every kernel keeps and one that
 * none does; registers that the kernel is asked for, which are AMX's. */
static const vit_cpu_feature features[] = {
    {"psychic", VIT_CPUID, 0x7fffffff, 0, 0, 1, 0},
    {"telepathy kept by the kernel", VIT_XCR0, 0, 0, 0, 1u << 30 | 1, 0},
    {"foresight granted by the kernel", VIT_PERMISSION, 18, 0, 0, 1, 0}};
#ifndef UNSUPPORTED
#define UNSUPPORTED 4
#endif
#ifndef GRANTED
#define GRANTED 4
#endif
#define FEATURES(n) \
  (n) >= GRANTED ? features + 2 : features, (n) >= UNSUPPORTED ? 3 : (n) >= GRANTED ? 1 : 0
static const vit_isa isas[] = {
    {"toy-v1", N * sizeof(float), steps, FEATURES(1), 0},
    {"toy-v2", N * sizeof(float), steps, FEATURES(2), 0},
    {"toy-v3", N * sizeof(float), steps, FEATURES(3), 0},
};
static const vit_isa *const isa_table[] = {&isas[0], &isas[1], &isas[2]};

#ifndef WEIGHTS_FILE
extern const char vit_weights_blob[] __attribute__((visibility("hidden")));
#endif

/* The self-test values are what the model computes for the self-test image with the fixture's weights;
 * they are written into the file when the library is finished. */
#ifdef WEIGHTS_FILE
#define PROOF_FILE WEIGHTS_FILE
#else
#define PROOF_FILE ""
#endif
#ifndef WEIGHTS_BYTES
#define WEIGHTS_BYTES (N * sizeof(float))
#endif
#ifndef NO_PROOF
static const struct { vit_proof proof; vit_selftest_values golden[2]; } proof = {
    {{VIT_PROOF_MARK_LOW, VIT_PROOF_MARK_HIGH}, WEIGHTS_BYTES, {HASH_LOW, HASH_HIGH}, PROOF_FILE, 2,
     0, 1e-4f, 0}, {{0, {0}}, {0, {0}}}};
#define PROOF &proof.proof
#else
#define PROOF 0
#endif

static const vit_program program = {
    sizeof program, &description,
#ifdef WEIGHTS_FILE
    0, WEIGHTS_FILE,
#else
    vit_weights_blob, 0,
#endif
    N * sizeof(float), {HASH_LOW, HASH_HIGH}, ARENA_BYTES, 3, 3, isa_table,
    &preprocessing, error_text, PROOF};

vit_status F(_create)(const vit_options *options, vit_model **model) {
  return vit_rt_create(&program, options, model);
}
void F(_destroy)(vit_model *model) { vit_rt_destroy(model); }
vit_status F(_context_create)(vit_model *model, vit_context **context) {
  return vit_rt_context_create(&program, model, context);
}
void F(_context_destroy)(vit_context *context) { vit_rt_context_destroy(context); }
/* As generated code does: a run that is unwound is ended. */
__attribute__((nothrow)) void vit_rt_leave(vit_context *context);
__attribute__((nothrow)) static void leave(vit_context **context) {
  if (*context) vit_rt_leave(*context);
}
vit_status F(_run)(vit_context *context, const float *images, size_t count, void *output) {
  __attribute__((cleanup(leave))) vit_context *left = context;
  vit_status status = vit_rt_run(&program, context, images, count, output);
  left = 0;
  return status;
}
vit_status F(_run_all)(vit_context *context, const float *images, size_t count,
                       void *const *places) {
  __attribute__((cleanup(leave))) vit_context *left = context;
  vit_status status = vit_rt_run_all(&program, context, images, count, places);
  left = 0;
  return status;
}
vit_status F(_preprocess)(const uint8_t *rgb, int32_t width, int32_t height, size_t row_bytes,
                          float *image) {
  return vit_rt_preprocess(&program, rgb, width, height, row_bytes, image);
}
vit_status F(_preprocess_picture)(const vit_picture *picture, float *image) {
  return vit_rt_preprocess_picture(&program, picture, image);
}
vit_status F(_preprocess_pictures)(vit_context *context, const vit_picture *pictures, size_t count,
                                   float *images) {
  __attribute__((cleanup(leave))) vit_context *left = context;
  vit_status status = vit_rt_preprocess_pictures(&program, context, pictures, count, images);
  left = 0;
  return status;
}
vit_status F(_context_stats)(vit_context *context, vit_context_stats *stats) {
  return vit_rt_context_stats(&program, context, stats);
}
const char *F(_last_error)(void) { return text; }
const char *F(_isa)(const vit_model *model) { return vit_rt_isa(&program, model); }
vit_status F(_selftest)(vit_model *model, vit_selftest_result *result) {
  return vit_rt_selftest(&program, model, result);
}
const vit_description *F(_description)(void) { return &description; }
const vit_entry *F(_vitc_entry)(void) {
  static const vit_entry entry = {
      ENTRY_BYTES, ABI, 0, F(_description), F(_create), F(_destroy), F(_context_create),
      F(_context_destroy), F(_run), F(_run_all), F(_preprocess), F(_last_error),
      F(_isa), F(_selftest), F(_context_stats), F(_preprocess_picture), F(_preprocess_pictures)};
  return &entry;
}
