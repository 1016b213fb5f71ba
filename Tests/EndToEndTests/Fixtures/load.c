/* Many threads, models and contexts at once, each made and ended at random.
 *
 *   load THREADS RUNS POOL LIBRARY NAME [LIBRARY NAME]...
 *
 * Every run gives the same bits as the first one. Memory in use does not grow. With POOL the models
 * run on this program's own threads. In between the process forks: the child ends contexts that it
 * cannot run, and makes its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vit_abi.h"

#define MOST_MODELS 8
#define MOST_IMAGES 3

static int model_count;
static struct {
  const vit_entry *entry;
  vit_model *model;
  size_t image, output; /* elements of one */
  float *images, *expected;
} models[MOST_MODELS];
static vit_options options;
static _Atomic long runs, wrong;
static long wanted;

static void fail(const vit_entry *entry, const char *what) {
  printf("%s: %s\n", what, entry->last_error());
  exit(1);
}

/* The program's own pool: one queue of one job at a time for each caller, served by two threads. */
typedef struct job {
  void (*task)(void *argument, int32_t index);
  void *argument;
  int32_t count, next, done;
  struct job *link;
} job;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static job *jobs;

/* Does one index of some job, with the lock held on entry and exit; 0 if there is none. */
static int work(void) {
  job *j = jobs;
  while (j && j->next == j->count) j = j->link;
  if (!j) return 0;
  int32_t index = j->next++;
  pthread_mutex_unlock(&lock);
  j->task(j->argument, index);
  pthread_mutex_lock(&lock);
  if (++j->done == j->count) pthread_cond_broadcast(&changed);
  return 1;
}
static void *pool_thread(void *unused) {
  pthread_mutex_lock(&lock);
  for (;;)
    if (!work()) pthread_cond_wait(&changed, &lock);
  return unused;
}
static void parallel_for(void *context, int32_t count, void (*task)(void *, int32_t),
                         void *argument) {
  (void)context;
  job mine = {task, argument, count, 0, 0, NULL};
  pthread_mutex_lock(&lock);
  mine.link = jobs;
  jobs = &mine;
  pthread_cond_broadcast(&changed);
  while (mine.done < count)
    if (!work()) pthread_cond_wait(&changed, &lock);
  job **place = &jobs;
  while (*place != &mine) place = &(*place)->link;
  *place = mine.link;
  pthread_mutex_unlock(&lock);
}

/* xorshift64 (doi:10.18637/jss.v008.i14). */
static uint64_t draw(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static void *client(void *argument) {
  uint64_t random = 0x9E3779B97F4A7C15 * (1 + (uint64_t)(uintptr_t)argument);
  vit_context *contexts[MOST_MODELS] = {0};
  float *output[MOST_MODELS];
  for (int m = 0; m < model_count; ++m)
    output[m] = malloc(MOST_IMAGES * models[m].output * sizeof(float));
  while (atomic_fetch_add(&runs, 1) < wanted) {
    int m = (int)(draw(&random) % (uint64_t)model_count);
    const vit_entry *entry = models[m].entry;
    vit_model *model = models[m].model, *own = NULL;
    if (draw(&random) % 32 == 0) {
      /* A model of its own, ended before the context that uses it. */
      if (contexts[m]) entry->context_destroy(contexts[m]);
      contexts[m] = NULL;
      if (entry->create(&options, &own) != VIT_OK) fail(entry, "create");
      model = own;
    }
    if (!contexts[m] && entry->context_create(model, &contexts[m]) != VIT_OK)
      fail(entry, "context_create");
    if (own) entry->destroy(own);
    size_t count = 1 + draw(&random) % MOST_IMAGES;
    if (entry->run(contexts[m], models[m].images, count, output[m]) != VIT_OK) fail(entry, "run");
    if (memcmp(output[m], models[m].expected, count * models[m].output * sizeof(float)) != 0)
      ++wrong;
    if (draw(&random) % 8 == 0) {
      entry->context_destroy(contexts[m]);
      contexts[m] = NULL;
    }
  }
  for (int m = 0; m < model_count; ++m) {
    if (contexts[m]) models[m].entry->context_destroy(contexts[m]);
    free(output[m]);
  }
  return NULL;
}

/* In a child: a context of the parent says that it cannot run, a new one runs. */
static void child(void) {
  for (int m = 0; m < model_count; ++m) {
    const vit_entry *entry = models[m].entry;
    vit_model *model;
    vit_context *context;
    float *output = malloc(models[m].output * sizeof(float));
    if (entry->create(&options, &model) != VIT_OK) _exit(3);
    if (entry->context_create(model, &context) != VIT_OK) _exit(4);
    /* The pool of this program has no threads here; the caller does all of the work. */
    if (entry->run(context, models[m].images, 1, output) != VIT_OK) _exit(5);
    if (memcmp(output, models[m].expected, models[m].output * sizeof(float)) != 0) _exit(6);
    entry->destroy(model);
    entry->context_destroy(context);
    /* The parent's model is memory like any other. */
    if (entry->context_create(models[m].model, &context) != VIT_OK) _exit(7);
    if (entry->run(context, models[m].images, 1, output) != VIT_OK) _exit(8);
    entry->context_destroy(context);
  }
  _exit(0);
}

static long resident(void) {
  long total, pages;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2) exit(2);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* All clients, to their ends; forks while they run. */
static void storm(int threads, long count) {
  pthread_t ids[1024];
  runs = 0;
  wanted = count;
  for (int i = 0; i < threads; ++i)
    if (pthread_create(&ids[i], NULL, client, (void *)(intptr_t)i) != 0) exit(2);
  for (int i = 0; i < 3; ++i) {
    /* A fork with the pool's lock held by another thread would leave it locked in the child. */
    pthread_mutex_lock(&lock);
    pid_t id = fork();
    if (id == 0) {
      /* The parent's threads wait at the old one, here for ever. */
      pthread_cond_init(&changed, NULL);
      pthread_mutex_unlock(&lock);
      jobs = NULL;
      child();
    }
    pthread_mutex_unlock(&lock);
    int status = -1;
    waitpid(id, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      printf("child: status %x\n", status);
      exit(1);
    }
  }
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
}

int main(int count, char **arguments) {
  if (count < 6 || count % 2 != 0) return 2;
  int threads = atoi(arguments[1]);
  long total = atol(arguments[2]);
  options.size = sizeof options;
  options.threads = 2;
  if (strcmp(arguments[3], "pool") == 0) {
    pthread_t id;
    options.parallel_for = parallel_for;
    for (int i = 0; i < 2; ++i)
      if (pthread_create(&id, NULL, pool_thread, NULL) != 0) return 2;
  }
  for (int i = 4; i < count; i += 2) {
    void *library = dlopen(arguments[i], RTLD_NOW | RTLD_LOCAL);
    char symbol[256];
    snprintf(symbol, sizeof symbol, "%s_vitc_entry", arguments[i + 1]);
    const vit_entry *(*get)(void) = NULL;
    if (library) *(void **)&get = dlsym(library, symbol);
    if (!get) return puts(dlerror()), 2;
    int m = model_count++;
    const vit_entry *entry = models[m].entry = get();
    const vit_description *d = entry->description();
    models[m].image = d->input.elements;
    models[m].output = d->outputs[0].elements;
    models[m].images = malloc(MOST_IMAGES * models[m].image * sizeof(float));
    models[m].expected = malloc(MOST_IMAGES * models[m].output * sizeof(float));
    for (size_t j = 0; j < MOST_IMAGES * models[m].image; ++j)
      models[m].images[j] = (float)((j * 37 + 11 * (size_t)m) % 101) / 50 - 1;
    vit_context *context;
    if (entry->create(&options, &models[m].model) != VIT_OK) fail(entry, "create");
    if (entry->context_create(models[m].model, &context) != VIT_OK) fail(entry, "context_create");
    if (entry->run(context, models[m].images, MOST_IMAGES, models[m].expected) != VIT_OK)
      fail(entry, "run");
    entry->context_destroy(context);
  }
  /* The first storm brings memory to what it takes: malloc's arenas, stacks, page cache. */
  storm(threads, total / 4);
  long before = resident();
  storm(threads, total);
  long after = resident();
  fprintf(stderr, "%ld runs on %d threads: resident %ld kB, then %ld kB\n", total, threads, before,
          after);
  /* A leak of 100 bytes a run shows in 10000 runs; stacks and arenas come and go by less. */
  printf("wrong %ld, grew %d\n", wrong, after - before > 1024 + total / 10);
  return 0;
}
