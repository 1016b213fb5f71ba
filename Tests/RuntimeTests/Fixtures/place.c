/* Makes a model whose weights are in a file, after another folder became the current one:
 *   place LIBRARY FOLDER    (compiled with -DLOADED)
 *   place - FOLDER          (linked with the model)
 * Prints what is wrong, nothing if all is well. */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "vit_abi.h"

#ifndef LOADED
const vit_entry *toy_vitc_entry(void);
#endif

int main(int count, char **arguments) {
  if (count != 3) return 2;
#ifdef LOADED
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return printf("%s\n", dlerror()), 1;
  const vit_entry *(*find)(void);
  *(void **)&find = dlsym(library, "toy_vitc_entry");
  const vit_entry *entry = find();
#else
  const vit_entry *entry = toy_vitc_entry();
#endif
  if (chdir(arguments[2]) != 0) return 2;
  vit_model *model;
  if (entry->create(NULL, &model) != VIT_OK) return printf("%s\n", entry->last_error()), 1;
  entry->destroy(model);
  return 0;
}
