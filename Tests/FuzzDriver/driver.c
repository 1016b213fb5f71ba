/* What libFuzzer calls. Which target: the environment variable VITC_FUZZ, as in
 * VITC_FUZZ=safetensors fuzz CORPUS. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzzing.h"

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  (void)arguments;
  const char *name = getenv("VITC_FUZZ");
  if (name && vitc_fuzz_select(name)) return 0;
  fprintf(stderr, "fuzz: set VITC_FUZZ to one of %s\n", vitc_fuzz_names());
  exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  vitc_fuzz(bytes, count);
  return 0;
}
