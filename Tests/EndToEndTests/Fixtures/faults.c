/* Fault injection: every call that creating a model and a context makes to the system fails once.
 *
 *   faults LIBRARY NAME THREADS
 *
 * The library is loaded by dlopen; this program, linked with -rdynamic, takes the place of libc for
 * what it imports. Between `begin` and `end` calls are counted; call number `victim` fails. After
 * each failure there must be a status with a text, no model, and nothing left that was taken. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vit_abi.h"

extern void *__libc_malloc(size_t bytes);
extern void __libc_free(void *memory);

static __thread int armed;  /* only this thread's calls, and only from the library */
static int victim, calls;
static const char *victims_name; /* what failed last */
static long blocks, mappings, files, threads;

static int fails(const char *name) {
  if (!armed || ++calls != victim) return 0;
  victims_name = name;
  return 1;
}

void *malloc(size_t bytes) {
  if (fails("malloc")) return errno = ENOMEM, NULL;
  void *memory = __libc_malloc(bytes);
  if (armed && memory) ++blocks;
  return memory;
}
void free(void *memory) {
  if (armed && memory) --blocks;
  __libc_free(memory);
}
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  if (fails("mmap")) return errno = ENOMEM, MAP_FAILED;
  void *start = (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
  if (armed && start != MAP_FAILED) ++mappings;
  return start;
}
int munmap(void *start, size_t bytes) {
  if (armed) --mappings;
  return (int)syscall(SYS_munmap, start, bytes);
}
int madvise(void *start, size_t bytes, int advice) {
  if (fails("madvise")) return errno = EINVAL, -1;
  return (int)syscall(SYS_madvise, start, bytes, advice);
}
int open(const char *path, int flags, ...) {
  if (fails("open")) return errno = EMFILE, -1;
  int file = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
  if (armed && file >= 0) ++files;
  return file;
}
int close(int file) {
  if (armed) --files;
  return (int)syscall(SYS_close, file);
}
ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  if (fails("pread")) return errno = EIO, -1;
  return syscall(SYS_pread64, file, bytes, count, offset);
}
off_t lseek(int file, off_t offset, int whence) {
  if (fails("lseek")) return errno = EIO, -1;
  return syscall(SYS_lseek, file, offset, whence);
}
int sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *mask) {
  if (fails("sched_getaffinity")) return errno = EINVAL, -1;
  memset(mask, 0, bytes);
  return (int)syscall(SYS_sched_getaffinity, process, bytes, mask) < 0 ? -1 : 0;
}
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (fails("pthread_create")) return EAGAIN;
  int was = armed;
  armed = 0; /* libc's own memory for the thread is not the library's */
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  int result = real(thread, attributes, body, argument);
  armed = was;
  if (armed && result == 0) ++threads;
  return result;
}
int pthread_join(pthread_t thread, void **result) {
  static int (*real)(pthread_t, void **);
  int was = armed;
  armed = 0;
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_join");
  int failure = real(thread, result);
  armed = was;
  if (armed && failure == 0) --threads;
  return failure;
}

static const vit_entry *entry;

/* Makes a model and a context, runs one image, ends both: VIT_OK, or the first failure, of which
 * the text is checked. */
static int round_trip(int thread_count, const float *image, float *output) {
  vit_options options = {.size = sizeof options, .threads = thread_count};
  vit_model *model = (vit_model *)&options;
  vit_context *context = (vit_context *)&options;
  armed = 1;
  int status = entry->create(&options, &model);
  if (status == VIT_OK) {
    status = entry->context_create(model, &context);
    if (status == VIT_OK) {
      status = entry->run(context, image, 1, output);
      if (status == VIT_OK) entry->context_destroy(context);
    } else if (context != NULL) {
      printf("a context in spite of status %d\n", status), exit(1);
    }
    entry->destroy(model);
  } else if (model != NULL) {
    printf("a model in spite of status %d\n", status), exit(1);
  }
  armed = 0;
  if (blocks | mappings | files | threads) {
    printf("%s, call %d: left %ld blocks, %ld mappings, %ld files, %ld threads\n", victims_name,
           victim, blocks, mappings, files, threads);
    exit(1);
  }
  return status;
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  void *library = dlopen(arguments[1], RTLD_NOW);
  if (!library) return puts(dlerror()), 2;
  char symbol[256];
  snprintf(symbol, sizeof symbol, "%s_vitc_entry", arguments[2]);
  const vit_entry *(*get)(void);
  *(void **)&get = dlsym(library, symbol);
  if (!get) return puts(dlerror()), 2;
  entry = get();
  /* The text's place is thread-local: libc takes memory for it when a thread first asks, gives it
   * back when the thread ends, and ends the process where there is none. */
  entry->last_error();
  int thread_count = atoi(arguments[3]);
  const vit_description *d = entry->description();
  float *image = calloc(d->input.elements, sizeof(float));
  float *first = calloc(d->outputs[0].elements, sizeof(float));
  float *output = calloc(d->outputs[0].elements, sizeof(float));
  for (size_t i = 0; i < d->input.elements; ++i) image[i] = (float)(i % 7) - 3;
  if (round_trip(thread_count, image, first) != VIT_OK) return puts(entry->last_error()), 1;
  int total = calls, refused = 0, tolerated = 0;
  for (victim = 1; victim <= total; ++victim) {
    calls = 0;
    victims_name = NULL;
    int status = round_trip(thread_count, image, output);
    if (!victims_name) return printf("call %d did not come up again\n", victim), 1;
    if (status != VIT_OK) {
      const char *text = entry->last_error();
      if (!text || strlen(text) < 10) return printf("%s: no text\n", victims_name), 1;
      fprintf(stderr, "%-18s %d: %s\n", victims_name, status, text);
      ++refused;
    } else {
      /* Advice, or a question with another answer: the result is the same. */
      if (memcmp(first, output, d->outputs[0].elements * sizeof(float)) != 0)
        return printf("%s: another result\n", victims_name), 1;
      fprintf(stderr, "%-18s tolerated\n", victims_name);
      ++tolerated;
    }
  }
  printf("refused %d, tolerated %d\n", refused, tolerated);
  return 0;
}
