/* Destroys a context in the child of a fork, which has none of its threads:
 *   forked LIBRARY
 * glibc takes threads of the parent for ended ones, so that joining them goes unseen there; musl
 * waits for ever. Prints what is wrong, nothing if all is well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vit_abi.h"

/* Three images on four threads: two teams, then all threads together. */
enum { IMAGE = 60, CLASSES = 7, BATCH = 3 };
static float image[BATCH * IMAGE], output[BATCH * CLASSES];

int main(int count, char **arguments) {
  if (count != 2) return 2;
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return printf("%s\n", dlerror()), 1;
  const vit_entry *(*find)(void);
  *(void **)&find = dlsym(library, "toy_vitc_entry");
  const vit_entry *entry = find();
  vit_options options = {.size = sizeof options, .threads = 4};
  vit_model *model;
  vit_context *context;
  if (entry->create(&options, &model) || entry->context_create(model, &context) ||
      entry->run(context, image, BATCH, output))
    return printf("%s\n", entry->last_error()), 1;
  pid_t child = fork();
  if (child == 0) {
    entry->context_destroy(context);
    entry->destroy(model);
    _exit(0);
  }
  if (child < 0) return puts("fork failed"), 1;
  /* By this process: a child that waits for a thread may have all signals blocked. */
  int status = -1;
  for (int round = 0; round < 3000 && waitpid(child, &status, WNOHANG) == 0; ++round)
    usleep(10000);
  if (status != 0) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return puts("the child did not end well in 30 seconds"), 1;
  }
  /* The threads of this process are still there. */
  if (entry->run(context, image, BATCH, output)) return printf("%s\n", entry->last_error()), 1;
  entry->context_destroy(context);
  entry->destroy(model);
  return 0;
}
