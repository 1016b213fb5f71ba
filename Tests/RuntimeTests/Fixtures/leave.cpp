// Leaves the runs of a model by the caller's parallel_for, in every way that C and C++ have:
//   leave LIBRARY exceptions|longjmp
// Prints what is wrong, nothing if all is well.
#include <dlfcn.h>
#include <pthread.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "vit_abi.h"

static const int kImage = 60, kClasses = 7;
static const vit_entry *entry;
static vit_context *context;
static float images[4 * kImage], expected[4 * kClasses], output[4 * kClasses];
static jmp_buf place;

// After so many calls the next one is left: by an exception, a longjmp, or not at all.
static int calls_left = -1;
static enum { kThrow, kThrowNumber, kJump, kExit } way;
static bool after_tasks;

static void parallel_for(void *, int32_t count, void (*task)(void *, int32_t), void *argument) {
  bool leaves = calls_left >= 0 && calls_left-- == 0;
  if (!leaves || after_tasks)
    for (int32_t i = 0; i < count; ++i) task(argument, i);
  if (!leaves) return;
  switch (way) {
    case kThrow: throw std::runtime_error("task failed");
    case kThrowNumber: throw 42;
    case kJump: longjmp(place, 1);
    case kExit: pthread_exit(nullptr);
  }
}

static vit_status run(size_t count, bool all) {
  void *places[] = {output, nullptr};
  return all ? entry->run_all(context, images, count, places)
             : entry->run(context, images, count, output);
}

static void expect_run(const char *where, int calls, size_t count) {
  memset(output, 0xff, sizeof output);
  vit_status status = run(count, false);
  if (status != VIT_OK)
    printf("%s, after %d calls: %s\n", where, calls, entry->last_error());
  else if (memcmp(output, expected, count * kClasses * sizeof(float)) != 0)
    printf("%s, after %d calls: other values\n", where, calls);
}

// Frames between the caller and the run, with room that nobody writes.
__attribute__((noinline)) static void expect_deep_run(const char *where, int calls, int depth) {
  char room[64];
  __asm__ volatile("" : : "r"(room) : "memory");
  if (depth > 0) expect_deep_run(where, calls, depth - 1);
  else expect_run(where, calls, 1);
  __asm__ volatile("" : : "r"(room) : "memory");
}

static void leave_by_exception(size_t count, int calls, bool all) {
  struct Witness {
    bool *gone;
    ~Witness() { *gone = true; }
  };
  bool unwound = false, caught = false;
  calls_left = calls;
  try {
    Witness witness{&unwound};
    vit_status status = run(count, all);
    if (calls_left >= 0) printf("%d calls: too few (status %d)\n", calls, status);
    else printf("the exception got lost\n");
  } catch (std::runtime_error &error) {
    caught = strcmp(error.what(), "task failed") == 0;
  } catch (int number) {
    caught = number == 42;
  }
  calls_left = -1;
  if (!caught || !unwound) printf("not caught after %d calls\n", calls);
}

static void leave_by_longjmp(size_t count, int calls, bool all) {
  calls_left = calls;
  if (setjmp(place) == 0) {
    run(count, all);
    printf("longjmp came back\n");
  }
  calls_left = -1;
}

int main(int, char **argv) {
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) return printf("%s\n", dlerror()), 1;
  entry = ((const vit_entry *(*)(void))dlsym(library, "toy_vitc_entry"))();
  for (int i = 0; i < 4 * kImage; ++i) images[i] = (float)(i * 37 % 101) / 16 - 3;
  bool exceptions = strcmp(argv[2], "exceptions") == 0;
  for (int threads : {1, 2, 3}) {
    vit_options options{};
    options.size = sizeof options;
    options.threads = threads;
    options.parallel_for = parallel_for;
    vit_model *model;
    if (entry->create(&options, &model) || entry->context_create(model, &context))
      return printf("%s\n", entry->last_error()), 1;
    if (entry->run(context, images, 4, expected)) return printf("%s\n", entry->last_error()), 1;
    for (bool all : {false, true})
      for (bool late : {false, true})
        for (int calls = 0; calls < 3; ++calls) {
          after_tasks = late;
          if (exceptions) {
            for (auto kind : {kThrow, kThrowNumber}) {
              way = kind;
              leave_by_exception(1, calls, all);
              expect_run("exception", calls, 4);
              // The context is free for any thread.
              leave_by_exception(1, calls, all);
              std::thread([&] { expect_run("exception, other thread", calls, 2); }).join();
              leave_by_exception(1, calls, all);
              expect_deep_run("exception, deeper", calls, 50);
            }
            // A thread that ends in its parallel_for.
            way = kExit;
            std::thread([&] {
              calls_left = calls;
              run(1, all);
            }).join();
            calls_left = -1;
            expect_run("pthread_exit", calls, 1);
          } else {
            way = kJump;
            leave_by_longjmp(1, calls, all);
            expect_run("longjmp", calls, 4);
            for (int depth : {0, 1, 2, 5, 50}) {
              leave_by_longjmp(1, calls, all);
              expect_deep_run("longjmp, deeper", calls, depth);
            }
            // Left from deeper than the next run.
            [&] { leave_by_longjmp(4, 0, all); }();
            expect_run("longjmp from deeper", calls, 4);
          }
        }
    // A context that a run was left in can be destroyed.
    way = exceptions ? kThrow : kJump;
    if (exceptions) leave_by_exception(1, 0, false);
    else leave_by_longjmp(1, 0, false);
    entry->context_destroy(context);
    entry->destroy(model);
  }
  return 0;
}
