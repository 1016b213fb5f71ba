/* From exec to the first logits: coldstart IMAGE LOGITS
 *
 * IMAGE has the floats of one image, LOGITS gets those of the answer. Prints one JSON object: when
 * the answer was there (CLOCK_MONOTONIC, which is the same clock in the process that started this
 * one) and the memory that was resident then (VmRSS) and at most (VmHWM). coldstart.py compiles
 * it against the header that vitc writes for libvit.so, and starts it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vit.h"

/* The number of kB in a line "NAME:  123 kB" of /proc/self/status; -1 if there is none. */
static long status_kb(const char *name) {
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return -1;
  char line[256];
  long value = -1;
  size_t length = strlen(name);
  while (value < 0 && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, name, length) == 0 && line[length] == ':')
      if (sscanf(line + length + 1, "%ld", &value) != 1) break;
  fclose(file);
  return value;
}

static int fail(const char *what, const char *why) {
  fprintf(stderr, "coldstart: %s: %s\n", what, why);
  return 1;
}

int main(int count, char **arguments) {
  if (count != 3) return fail("usage", "coldstart IMAGE LOGITS");
  static float image[VIT_IMAGE_COUNT], logits[VIT_LOGITS_COUNT];
  FILE *file = fopen(arguments[1], "rb");
  if (file == NULL || fread(image, sizeof image, 1, file) != 1)
    return fail(arguments[1], "cannot read one image");
  fclose(file);

  vit_model *model;
  vit_context *context;
  if (vit_create(NULL, &model) != VIT_OK) return fail("vit_create", vit_last_error());
  if (vit_context_create(model, &context) != VIT_OK)
    return fail("vit_context_create", vit_last_error());
  if (vit_run(context, image, 1, logits) != VIT_OK) return fail("vit_run", vit_last_error());

  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long resident = status_kb("VmRSS"), peak = status_kb("VmHWM");
  printf("{\"monotonic_ns\": %lld, \"resident\": %lld, \"resident_peak\": %lld, \"packed\": %llu}\n",
         now.tv_sec * 1000000000LL + now.tv_nsec, resident * 1024LL, peak * 1024LL,
         (unsigned long long)vit_description()->weights_bytes);

  file = fopen(arguments[2], "wb");
  if (file == NULL || fwrite(logits, sizeof logits, 1, file) != 1 || fclose(file) != 0)
    return fail(arguments[2], "cannot write the logits");
  vit_context_destroy(context);
  vit_destroy(model);
  return 0;
}
