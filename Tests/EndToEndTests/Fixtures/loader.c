// Loads a library and runs it: LIBRARY ENTRY ISA THREADS COUNT INPUT OUTPUT; for a COUNT of 0,
// its self-test. For EmulationTests and Scripts/check-bits.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vit_abi.h"

int main(int count, char **arguments) {
  if (count != 8) return puts("wrong usage"), 2;
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return puts(dlerror()), 3;
  const vit_entry *(*get)(void) = (const vit_entry *(*)(void))dlsym(library, arguments[2]);
  if (get == NULL) return puts(dlerror()), 4;
  const vit_entry *entry = get();
  const vit_description *description = entry->description();
  vit_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.isa = *arguments[3] ? arguments[3] : NULL;
  options.threads = atoi(arguments[4]);
  size_t images = (size_t)atol(arguments[5]);
  vit_model *model;
  vit_context *context;
  if (entry->create(&options, &model) != VIT_OK) return puts(entry->last_error()), 1;
  if (images == 0) {
    vit_selftest_result test = {.size = sizeof test};
    int status = entry->selftest(model, &test);
    if (status == VIT_OK && !(test.error <= test.limit)) return 7;
    printf("%s: %s\n", entry->isa(model), status == VIT_OK ? "passed" : entry->last_error());
    return status != VIT_OK;
  }
  if (entry->context_create(model, &context) != VIT_OK) return puts(entry->last_error()), 1;
  float *input = malloc(images * description->input.elements * 4);
  FILE *file = fopen(arguments[6], "rb");
  if (input == NULL || file == NULL) return puts("no input"), 5;
  if (fread(input, description->input.elements * 4, images, file) != images)
    return puts("short input"), 5;
  fclose(file);
  void *places[8];
  for (int i = 0; i < description->output_count; ++i)
    places[i] = malloc(images * description->outputs[i].elements * 4);
  if (entry->run_all(context, input, images, places) != VIT_OK)
    return puts(entry->last_error()), 1;
  file = fopen(arguments[7], "wb");
  if (file == NULL) return puts("no output"), 6;
  for (int i = 0; i < description->output_count; ++i)
    fwrite(places[i], description->outputs[i].elements * 4, images, file);
  fclose(file);
  puts(entry->isa(model));
  entry->context_destroy(context);
  entry->destroy(model);
  return 0;
}
