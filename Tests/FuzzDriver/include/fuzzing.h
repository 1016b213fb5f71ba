/* What the targets of Tests/Fuzzing are to libFuzzer's driver. */
#ifndef VITC_FUZZING_H
#define VITC_FUZZING_H

#include <stddef.h>
#include <stdint.h>

/* Chooses the target of this name; 0 if there is none. */
int32_t vitc_fuzz_select(const char *name);

/* The names of all targets, in a line. */
const char *vitc_fuzz_names(void);

/* Feeds bytes to the chosen target. */
void vitc_fuzz(const uint8_t *bytes, size_t count);

#endif
