/* Counts requests for memory while the model runs: this program's malloc and mmap take libc's place
 * for the library too. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "toy.h"

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
static _Atomic int requests;

void *malloc(size_t bytes) { ++requests; return __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { ++requests; return __libc_calloc(count, bytes); }
void *realloc(void *memory, size_t bytes) { ++requests; return __libc_realloc(memory, bytes); }
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  ++requests;
  *memory = __libc_memalign(alignment, bytes);
  return *memory == NULL ? 12 : 0;
}
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  ++requests;
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}

static float images[9 * TOY_IMAGE_COUNT], output[9 * TOY_LOGITS_COUNT];
static float tokens[9 * TOY_TOKENS_COUNT];

int main(void) {
  toy_options options = {.size = sizeof options, .threads = 3};
  toy_model *model;
  toy_context *context;
  if (toy_create(&options, &model) != TOY_OK) return puts(toy_last_error()), 1;
  if (toy_context_create(model, &context) != TOY_OK) return puts(toy_last_error()), 1;
  toy_destroy(model); /* the context keeps it */
  int before = requests;
  void *outputs[TOY_OUTPUTS] = {NULL, tokens};
  for (size_t count = 1; count <= 9; ++count) {
    if (toy_run(context, images, count, output) != TOY_OK) return puts(toy_last_error()), 1;
    if (toy_run_all(context, images, count, outputs) != TOY_OK) return puts(toy_last_error()), 1;
  }
  int after = requests;
  printf("before %d, during %d\n", before > 0, after - before);
  fflush(stdout);

  /* After a fork the threads are gone: runs are refused, a new context works. */
  pid_t child = fork();
  if (child == 0) {
    if (toy_run(context, images, 1, output) != TOY_INVALID_ARGUMENT) _exit(2);
    printf("%s\n", toy_last_error());
    toy_context_destroy(context);
    if (toy_create(&options, &model) != TOY_OK) _exit(3);
    if (toy_context_create(model, &context) != TOY_OK) _exit(4);
    if (toy_run(context, images, 1, output) != TOY_OK) _exit(5);
    toy_context_destroy(context);
    toy_destroy(model);
    fflush(stdout);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  printf("child %d\n", WEXITSTATUS(status));
  toy_context_destroy(context);
  return 0;
}
