/* A weights file that goes away, is replaced or is cut short while a model uses it.
 *
 *   vanish LIBRARY NAME WEIGHTS
 *
 * Removed or replaced by rename(2), the model keeps what it mapped. Cut short, a run that touches
 * what is gone ends the process with SIGBUS: the child says which of the two happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vit_abi.h"

static const vit_entry *entry;
static float *image, *first, *output;
static size_t elements;

static void run(vit_context *context, const char *when) {
  if (entry->run(context, image, 1, output) != VIT_OK) puts(entry->last_error()), exit(1);
  if (memcmp(first, output, elements * sizeof(float)) != 0) printf("%s: wrong\n", when), exit(1);
  printf("%s: same\n", when);
  fflush(stdout);
}

static void write_all(const char *path, const char *bytes, size_t count) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) exit(2);
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  void *library = dlopen(arguments[1], RTLD_NOW);
  char symbol[256], other[4096];
  snprintf(symbol, sizeof symbol, "%s_vitc_entry", arguments[2]);
  const vit_entry *(*get)(void) = NULL;
  if (library) *(void **)&get = dlsym(library, symbol);
  if (!get) return puts(dlerror()), 2;
  entry = get();
  const vit_description *d = entry->description();
  elements = d->outputs[0].elements;
  image = calloc(d->input.elements, sizeof(float));
  first = calloc(elements, sizeof(float));
  output = calloc(elements, sizeof(float));
  for (size_t i = 0; i < d->input.elements; ++i) image[i] = (float)(i % 7) - 3;

  const char *path = arguments[3];
  static char bytes[1 << 26];
  FILE *file = fopen(path, "rb");
  size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (size == 0 || fclose(file) != 0) return 2;

  vit_options options = {.size = sizeof options, .threads = 2, .weights_path = path};
  vit_model *model;
  vit_context *context;
  if (entry->create(&options, &model) != VIT_OK) return puts(entry->last_error()), 1;
  if (entry->context_create(model, &context) != VIT_OK) return puts(entry->last_error()), 1;
  if (entry->run(context, image, 1, first) != VIT_OK) return puts(entry->last_error()), 1;
  unlink(path);
  run(context, "removed");

  write_all(path, bytes, size);
  vit_model *again;
  vit_context *second;
  if (entry->create(&options, &again) != VIT_OK) return puts(entry->last_error()), 1;
  if (entry->context_create(again, &second) != VIT_OK) return puts(entry->last_error()), 1;
  snprintf(other, sizeof other, "%s.new", path);
  memset(bytes + 4096, 0, size - 4096);
  write_all(other, bytes, size);
  if (rename(other, path) != 0) return 2;
  run(second, "replaced");
  entry->context_destroy(second);
  entry->destroy(again);
  entry->context_destroy(context);
  entry->destroy(model);

  if (entry->create(&options, &model) != VIT_OK) return puts(entry->last_error()), 1;
  if (truncate(path, 4096) != 0) return 2;
  pid_t child = fork();
  if (child == 0) {
    if (entry->context_create(model, &context) != VIT_OK) _exit(3);
    entry->run(context, image, 1, output);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("cut: %s\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS ? "SIGBUS" : "no signal");
  /* What is still whole is refused at the next create. */
  if (entry->create(&options, &again) != VIT_WEIGHTS_MISMATCH) return puts("accepted"), 1;
  puts(strstr(entry->last_error(), "truncated") ? "then: truncated" : entry->last_error());
  return 0;
}
