/* Classifies PNG images with a compiled model that is linked into the program:
 *
 *   vitc compile examples/digits/model -o out/libdigits.so
 *   cc -O2 -I out examples/c/classify.c -o classify -L out -ldigits -Wl,-rpath,out -lpng -lm
 *   ./classify examples/digits/images/digit-3-0013.png
 *
 * libpng reads the files; the model itself needs nothing but libc.
 */
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"

/* The classes, as the checkpoint's config.json names them; digits_description()->json has them too. */
static const char *const labels[DIGITS_LOGITS_COUNT] = {
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};

/* Decodes a PNG file to RGB; the caller frees the pixels. NULL, after a message, on failure. */
static uint8_t *read_png(const char *path, int32_t *width, int32_t *height) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path)) {
    fprintf(stderr, "%s: %s\n", path, image.message);
    return NULL;
  }
  image.format = PNG_FORMAT_RGB;
  uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image));
  if (rgb == NULL || !png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
    fprintf(stderr, "%s: %s\n", path, rgb == NULL ? "out of memory" : image.message);
    png_image_free(&image);
    free(rgb);
    return NULL;
  }
  *width = (int32_t)image.width;
  *height = (int32_t)image.height;
  return rgb;
}

/* Runs one image and prints its most probable label. */
static int classify(digits_context *context, const char *path) {
  int32_t width, height;
  uint8_t *rgb = read_png(path, &width, &height);
  if (rgb == NULL) return 1;
  static float input[DIGITS_IMAGE_COUNT];
  float logits[DIGITS_LOGITS_COUNT];
  digits_status status = digits_preprocess(rgb, width, height, 3 * (size_t)width, input);
  free(rgb);
  if (status == DIGITS_OK) status = digits_run(context, input, 1, logits);
  if (status != DIGITS_OK) {
    fprintf(stderr, "%s: %s\n", path, digits_last_error());
    return 1;
  }
  int best = 0;
  for (int i = 1; i < DIGITS_LOGITS_COUNT; ++i)
    if (logits[i] > logits[best]) best = i;
  double sum = 0;
  for (int i = 0; i < DIGITS_LOGITS_COUNT; ++i) sum += exp((double)logits[i] - logits[best]);
  printf("%s  %-5s  %6.2f %%\n", path, labels[best], 100 / sum);
  return 0;
}

int main(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: %s IMAGE.png ...\n", arguments[0]);
    return 64;
  }
  digits_model *model;
  digits_context *context;
  if (digits_create(NULL, &model) != DIGITS_OK ||
      digits_context_create(model, &context) != DIGITS_OK) {
    fprintf(stderr, "%s\n", digits_last_error());
    return 1;
  }
  int failures = 0;
  for (int i = 1; i < count; ++i) failures += classify(context, arguments[i]);
  digits_context_destroy(context);
  digits_destroy(model);
  return failures > 0;
}
