/* Runs a model from threads in every floating-point state:
 *   floats LIBRARY
 * Prints what is wrong, nothing if all is well. For x86-64 and AArch64. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vit_abi.h"

enum { IMAGE = 60, CLASSES = 7, MOST = 7 };
static const vit_entry *entry;
static float images[MOST * IMAGE], expected[MOST * CLASSES], output[MOST * CLASSES];
static uint8_t picture[31 * 23 * 3];
static float expected_image[IMAGE], image[IMAGE];
static vit_selftest_result expected_test = {.size = sizeof expected_test};

/* The state as a number: control bits; the exception flags of the low 32 bits on x86-64, of the high
 * ones on AArch64. */
#if defined(__x86_64__)
static uint64_t get(void) {
  uint32_t word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  return word;
}
static void set(uint64_t state) {
  uint32_t word = (uint32_t)state;
  __asm__ volatile("ldmxcsr %0" : : "m"(word));
}
static const uint64_t standard = 0x1f80;
static const struct { const char *name; uint64_t bits; } states[] = {
    {"nearest", 0x1f80},
    {"downward", 0x3f80},
    {"upward", 0x5f80},
    {"toward zero", 0x7f80},
    {"flush to zero", 0x9f80},
    {"subnormals are zero", 0x1fc0},
    {"both", 0x9fc0},
    {"both, upward", 0xdfc0},
    {"flags are set", 0x1fbf},
    {"inexact raises a signal", 0x0f80},
    {"everything raises a signal", 0x0000},
    {"everything raises a signal, toward zero, flushed", 0xe040},
};
#else
static uint64_t get(void) {
  uint64_t control, flags;
  __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control), "=r"(flags));
  return flags << 32 | control;
}
static void set(uint64_t state) {
  __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(state & 0xffffffff), "r"(state >> 32));
}
static const uint64_t standard = 0;
static const struct { const char *name; uint64_t bits; } states[] = {
    {"nearest", 0},
    {"upward", 1u << 22},
    {"downward", 2u << 22},
    {"toward zero", 3u << 22},
    {"flush to zero", 1u << 24},
    {"flush to zero, upward", 5u << 22},
    {"default NaN", 1u << 25},
    {"flags are set", 0x9full << 32},
};
#endif

static const char *state_name;
static uint64_t state;
static void wrong(const char *what, int threads) {
  printf("%s, %d threads, %s\n", state_name, threads, what);
}

/* Checks values, in the standard state, and that `call` left the state as it was. */
static void compare(const char *what, int threads, vit_status status, const float *found,
                    const float *wanted, size_t count) {
  uint64_t after = get();
  set(standard);
  if (after != state) wrong("the state changed", threads);
  if (status != VIT_OK) wrong(entry->last_error(), threads);
  if (memcmp(found, wanted, count * sizeof(float)) != 0) wrong(what, threads);
}

/* A parallel_for on the caller's thread and on new ones, each in the state under test. */
static int is_wrong;
typedef struct { void (*task)(void *, int32_t); void *argument; int32_t index; } share;
static void *run_share(void *argument) {
  share *s = argument;
  set(state);
  s->task(s->argument, s->index);
  if (get() != state) __atomic_store_n(&is_wrong, 1, __ATOMIC_SEQ_CST);
  return 0;
}
static void parallel_for(void *context, int32_t count, void (*task)(void *, int32_t),
                         void *argument) {
  (void)context;
  if (get() != state) is_wrong = 1;
  for (int32_t i = 0; i < count; ++i) {
    share s = {task, argument, i};
    pthread_t thread;
    if (i % 2 == 1 && pthread_create(&thread, 0, run_share, &s) == 0) pthread_join(thread, 0);
    else run_share(&s);
  }
}

static void check(int threads, vit_parallel_for own) {
  vit_options options = {.size = sizeof options, .threads = threads, .parallel_for = own};
  vit_model *model;
  vit_context *context;
  set(state);
  vit_status status = entry->create(&options, &model);
  if (status == VIT_OK) status = entry->context_create(model, &context);
  uint64_t after = get();
  set(standard);
  if (after != state) wrong("making changed the state", threads);
  if (status != VIT_OK) {
    wrong(entry->last_error(), threads);
    return;
  }
  for (size_t count = 1; count <= MOST; ++count) {
    memset(output, 0xff, sizeof output);
    set(state);
    status = entry->run(context, images, count, output);
    compare("a run has other bits", threads, status, output, expected, count * CLASSES);
  }
  /* The context was made in the state under test and runs in the standard one. */
  uint64_t tested = state;
  state = standard;
  memset(output, 0xff, sizeof output);
  compare("a run in the standard state has other bits", threads,
          entry->run(context, images, MOST, output), output, expected, MOST * CLASSES);
  state = tested;
  vit_selftest_result result = {.size = sizeof result};
  set(state);
  status = entry->selftest(model, &result);
  compare("the self-test found an error", threads, status, images, images, 0);
  if (result.error != expected_test.error) wrong("the self-test found other bits", threads);
  if (is_wrong) wrong("a thread of the parallel_for saw another state", threads);
  is_wrong = 0;
  entry->context_destroy(context);
  entry->destroy(model);
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return printf("%s\n", dlerror()), 1;
  const vit_entry *(*find)(void);
  *(void **)&find = dlsym(library, "toy_vitc_entry");
  entry = find();
  for (int i = 0; i < MOST * IMAGE; ++i) {
    /* Products that are not exact; and subnormal ones, of which sums consist in part. */
    images[i] = (float)(i * 37 % 101) / 48 - 1;
    if (i % 3 == 0) images[i] *= 1e-38f;
  }
  for (int i = 0; i < (int)sizeof picture; ++i) picture[i] = (uint8_t)(i * 7 + i / 77);

  set(standard);
  vit_model *model;
  vit_context *context;
  if (entry->create(0, &model) || entry->context_create(model, &context) ||
      entry->run(context, images, MOST, expected) ||
      entry->preprocess(picture, 31, 23, 93, expected_image) ||
      entry->selftest(model, &expected_test))
    return printf("%s\n", entry->last_error()), 1;
  entry->context_destroy(context);
  entry->destroy(model);
  for (size_t i = 0; i < sizeof states / sizeof *states; ++i) {
    state = states[i].bits;
    state_name = states[i].name;
    set(state);
    uint64_t taken = get();
    set(standard);
    if (taken != state) {
      wrong("the processor does not take this state", 0);
      continue;
    }
    static const int threads[] = {1, 2, 3};
    for (int t = 0; t < 3; ++t) {
      check(threads[t], 0);
      check(threads[t], parallel_for);
    }
    memset(image, 0xff, sizeof image);
    set(state);
    vit_status status = entry->preprocess(picture, 31, 23, 93, image);
    compare("preprocess has other bits", 1, status, image, expected_image, IMAGE);
  }
  return 0;
}
