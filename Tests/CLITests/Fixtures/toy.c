/* A model small enough to check by hand, with the table of functions that a compiled one has:
 * images [3, 2, 2]; logits[c] = 20 * mean of channel c + BIAS; features = the sum of all pixels,
 * twice it. */
#include <string.h>

#include "vit_abi.h"

#ifndef BIAS
#define BIAS 0.0f
#endif
#ifndef ABI
#define ABI VIT_ABI_VERSION
#endif
#ifndef FIRST
#define FIRST "logits"
#endif

#ifdef TRAP
__attribute__((constructor)) static void trap(void) { __builtin_trap(); }
#endif

struct vit_model {
  vit_parallel_for parallel_for;
  void *parallel_for_context;
};
struct vit_context { int unused; };
static struct vit_model the_model;
static struct vit_context the_context;

static const vit_tensor outputs[] = {
    {FIRST, "f32", 1, 0, {3}, 3},
    {"features", "f32", 1, 0, {2}, 2},
};

#define FACTS                                                                       \
  "{\"name\": \"toy\", \"model\": \"toy_model\", \"abi_version\": 2,"               \
  " \"compiler_version\": \"0.0.1\", \"target\": \"any any\","                      \
  " \"isas\": [\"any-v1\", \"x86-64-v2\", \"aarch64-neon\"],"                       \
  " \"weights_hash\": \"0123456789abcdef0123456789abcdef\","                        \
  " \"input\": {\"name\": \"images\", \"dtype\": \"f32\", \"shape\": [3, 2, 2]},"   \
  " \"outputs\": [{\"name\": \"logits\", \"dtype\": \"f32\", \"shape\": [3]},"      \
  " {\"name\": \"features\", \"dtype\": \"f32\", \"shape\": [2]}],"                 \
  " \"parameters\": 1234567, \"flops\": 2000000, \"weights_bytes\": 2048,"          \
  " \"arena_bytes\": 64}"
#define DETAILS                                                                     \
  "{\"labels\": [\"red\", \"green\", \"blue\"], \"passes\": [\"one\", \"two\"],"    \
  " \"steps\": [{\"name\": \"blocks.0.up\", \"op\": \"linear\", \"flops\": 3},"     \
  " {\"name\": \"head\", \"op\": \"linear\", \"flops\": 5},"                        \
  " {\"name\": \"blocks.1.up\", \"op\": \"linear\", \"flops\": 3}]}"

/* What is read without loading. */
static const struct {
  vit_record head;
  char facts[sizeof FACTS];
  char details[sizeof DETAILS];
} record = {{{VIT_RECORD_MARK_LOW, VIT_RECORD_MARK_HIGH}, sizeof FACTS - 1, sizeof DETAILS - 1},
            FACTS,
            DETAILS};

static const vit_description the_description = {
    .size = sizeof(vit_description),
    .abi_version = ABI,
    .output_count = 2,
    .name = "toy",
    .model = "toy_model",
    .compiler_version = "0.0.1",
    .target = "any any",
    .weights_hash = "0123456789abcdef0123456789abcdef",
    .input = {"images", "f32", 3, 0, {3, 2, 2}, 12},
    .outputs = outputs,
    .parameters = 1234567,
    .flops = 2000000,
    .weights_bytes = 2048,
    .arena_bytes = 64,
    .isas = "any-v1,any-v2",
    .json = record.details,
};

static const vit_description *description(void) { return &the_description; }
static vit_status create(const vit_options *options, vit_model **model) {
  the_model.parallel_for = options ? options->parallel_for : NULL;
  the_model.parallel_for_context = options ? options->parallel_for_context : NULL;
  *model = &the_model;
  return VIT_OK;
}
static void destroy(vit_model *model) { (void)model; }
static vit_status context_create(vit_model *model, vit_context **context) {
  (void)model;
  *context = &the_context;
  return VIT_OK;
}
static void context_destroy(vit_context *context) { (void)context; }

static void nothing(void *argument, int32_t task) {
  (void)argument;
  (void)task;
}

static vit_status run_all(vit_context *context, const float *images, size_t count,
                          void *const *places) {
  float *logits = places[0], *features = places[1];
  (void)context;
  /* Three steps, each in two tasks. */
  for (int step = 0; the_model.parallel_for && step < 3; ++step)
    the_model.parallel_for(the_model.parallel_for_context, 2, nothing, NULL);
  for (size_t n = 0; n < count; ++n) {
    float total = 0;
    for (int c = 0; c < 3; ++c) {
      float sum = 0;
      for (int i = 0; i < 4; ++i) sum += images[12 * n + 4 * c + i];
      if (logits) logits[3 * n + c] = 20 * sum / 4 + BIAS;
      total += sum;
    }
    if (features) {
      features[2 * n] = total;
      features[2 * n + 1] = 2 * total;
    }
  }
  return VIT_OK;
}
static vit_status run(vit_context *context, const float *images, size_t count, void *output) {
  void *places[] = {output, NULL};
  return run_all(context, images, count, places);
}
/* Every pixel becomes the first one, 0...1. */
static vit_status preprocess(const uint8_t *rgb, int32_t width, int32_t height, size_t row_bytes,
                             float *image) {
  (void)width, (void)height, (void)row_bytes;
  for (int i = 0; i < 12; ++i) image[i] = rgb[i / 4] / 255.0f;
  return VIT_OK;
}
static const char *last_error(void) { return ""; }
static const char *isa(const vit_model *model) { return model ? "any-v2" : NULL; }

/* Beyond the limit if BIAS is not 0. */
static vit_status selftest(vit_model *model, vit_selftest_result *result) {
  (void)model;
  result->error = BIAS;
  result->limit = 1e-4;
  return result->error > result->limit ? VIT_SELFTEST_FAILED : VIT_OK;
}

static const vit_entry entry = {
    .size = sizeof(vit_entry),
    .abi_version = ABI,
    .description = description,
    .create = create,
    .destroy = destroy,
    .context_create = context_create,
    .context_destroy = context_destroy,
    .run = run,
    .run_all = run_all,
    .preprocess = preprocess,
    .last_error = last_error,
    .isa = isa,
    .selftest = selftest,
};
const vit_entry *toy_vitc_entry(void) { return &entry; }
