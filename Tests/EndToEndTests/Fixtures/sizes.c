/* A library for images of 16 x 16 and 24 x 32 pixels, by its header alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static int fail(const char *what) {
  printf("%s: %s\n", what, model_last_error());
  return 1;
}

int main(void) {
  model_model *model;
  model_context *context;
  if (model_create(NULL, &model) != MODEL_OK) return fail("create");
  if (model_context_create(model, &context) != MODEL_OK) return fail("context");

  const model_info *const *sizes = model_sizes();
  if (MODEL_SIZES != 2 || sizes[0] != model_description() || !sizes[1] || sizes[2])
    return fail("sizes");
  if (sizes[MODEL_SIZE_24X32]->input.elements != MODEL_SIZE_24X32_IMAGE_COUNT)
    return fail("elements");
  if (sizes[1]->outputs[1].elements != MODEL_SIZE_24X32_TOKENS_COUNT) return fail("tokens");

  static float small[MODEL_SIZE_16X16_IMAGE_COUNT], large[MODEL_SIZE_24X32_IMAGE_COUNT];
  for (int i = 0; i < MODEL_SIZE_16X16_IMAGE_COUNT; i++) small[i] = (float)(i % 13) / 13;
  for (int i = 0; i < MODEL_SIZE_24X32_IMAGE_COUNT; i++) large[i] = (float)(i % 11) / 11;
  static float plain[MODEL_LOGITS_COUNT], sized[MODEL_LOGITS_COUNT], other[MODEL_LOGITS_COUNT];
  static float tokens[MODEL_SIZE_24X32_TOKENS_COUNT], mixed[MODEL_SIZE_24X32_TOKENS_COUNT];
  if (model_run(context, small, 1, plain) != MODEL_OK) return fail("run");
  if (model_run_sized(context, MODEL_SIZE_16X16, small, 1, sized) != MODEL_OK) return fail("first");
  if (memcmp(plain, sized, sizeof plain)) return fail("the first size");
  void *all[MODEL_OUTPUTS] = {other, tokens};
  if (model_run_all_sized(context, MODEL_SIZE_24X32, large, 1, all) != MODEL_OK) return fail("all");

  static float found[2][MODEL_LOGITS_COUNT];
  void *places[2][MODEL_OUTPUTS] = {{found[0], mixed}, {found[1], NULL}};
  model_sized_image images[2] = {{large, places[0], MODEL_SIZE_24X32, 0},
                                 {small, places[1], MODEL_SIZE_16X16, 0}};
  if (model_run_mixed(context, images, 2) != MODEL_OK) return fail("mixed");
  if (memcmp(found[0], other, sizeof other) || memcmp(found[1], plain, sizeof plain) ||
      memcmp(mixed, tokens, sizeof tokens))
    return fail("mixed bits");

  static unsigned char photo[3 * 20 * 30];
  for (int i = 0; i < 3 * 20 * 30; i++) photo[i] = (unsigned char)(i * 31);
  int32_t size = -1;
  if (model_size_for(30, 20, &size) != MODEL_OK || size != 0) return fail("size_for");
  if (model_preprocess_sized(photo, 30, 20, 90, MODEL_SIZE_24X32, large) != MODEL_OK)
    return fail("preprocess_sized");

  const struct {
    const char *text;
    model_status status;
  } wrong[] = {
      {"size is 2, expected 0 to 1", model_run_sized(context, 2, small, 1, plain)},
  };
  if (wrong[0].status != MODEL_INVALID_ARGUMENT || strcmp(model_last_error(), wrong[0].text))
    return fail("no such size");
  if (model_run_all_sized(context, -1, small, 1, all) != MODEL_INVALID_ARGUMENT ||
      strcmp(model_last_error(), "size is -1, expected 0 to 1"))
    return fail("negative size");
  if (model_preprocess_sized(photo, 30, 20, 90, 9, large) != MODEL_INVALID_ARGUMENT)
    return fail("preprocess of no size");
  if (model_run_mixed(context, NULL, 1) != MODEL_INVALID_ARGUMENT) return fail("null images");
  if (model_run_mixed(context, images, 0) != MODEL_INVALID_ARGUMENT) return fail("no images");
  images[1].size = 5;
  if (model_run_mixed(context, images, 2) != MODEL_INVALID_ARGUMENT ||
      strcmp(model_last_error(), "size is 5, expected 0 to 1"))
    return fail("mixed of no size");
  images[1].size = 0;
  images[1].image = NULL;
  if (model_run_mixed(context, images, 2) != MODEL_INVALID_ARGUMENT ||
      strcmp(model_last_error(), "images[1]: image is null"))
    return fail("null image");
  images[1].image = small;
  images[0].outputs = NULL;
  if (model_run_mixed(context, images, 2) != MODEL_INVALID_ARGUMENT ||
      strcmp(model_last_error(), "images[0]: outputs is null"))
    return fail("null outputs");
  if (model_size_for(30, 20, NULL) != MODEL_INVALID_ARGUMENT) return fail("null size");

  model_selftest_result test = {.size = sizeof test};
  if (model_selftest(model, &test) != MODEL_OK || test.error > test.limit) return fail("selftest");
  model_context_destroy(context);
  model_destroy(model);
  printf("ok\n");
  return 0;
}
