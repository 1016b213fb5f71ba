/* What the Swift library needs to load a compiled model and C says best: walking the dynamic symbol
 * table of a loaded library. */
#ifndef VIT_LOADER_H
#define VIT_LOADER_H

#include "vit_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The name of the first function whose name ends in "_vitc_entry" that the library behind a dlopen
 * handle defines, or NULL. Valid as long as the library is loaded. */
const char *vit_entry_symbol(void *handle);

/* Calls a function found by dlsym that has the type of NAME_vitc_entry. */
const vit_entry *vit_call_entry(void *function);

#ifdef __cplusplus
}
#endif

#endif
