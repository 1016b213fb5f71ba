// Calls a kernel with the buffers of a file: LIBRARY SYMBOL FILE. For EmulatedFunction, under qemu.
//
// The file is words of 64 bits: the first task, the one after the last, their count, the number of
// buffers; for each of eight addresses its buffer, or -1, and how far in it, in bytes; the bytes of
// each buffer, whole pages. Then come the buffers, which are written back.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { page = 4096, most = 8 };
typedef void (*kernel)(char *, char *, char *, char *, char *, char *, char *, char *, int64_t,
                       int64_t);

int main(int count, char **arguments) {
  if (count != 4) return puts("wrong usage"), 2;
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return puts(dlerror()), 3;
  void *symbol = dlsym(library, arguments[2]);
  if (symbol == NULL) return puts(dlerror()), 4;
  kernel run;
  memcpy(&run, &symbol, sizeof run);
  FILE *file = fopen(arguments[3], "r+b");
  int64_t head[4], places[most][2], bytes[most];
  char *buffers[most], *p[most];
  if (file == NULL || fread(head, sizeof head, 1, file) != 1 || head[3] > most ||
      fread(places, sizeof places, 1, file) != 1 ||
      fread(bytes, 8, (size_t)head[3], file) != (size_t)head[3])
    return puts("no buffers"), 5;
  long start = ftell(file);
  for (int64_t i = 0; i < head[3]; ++i) {
    char *room = mmap(NULL, (size_t)bytes[i] + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                      -1, 0);
    if (room == MAP_FAILED) return puts("no memory"), 6;
    buffers[i] = room + page;
    if (bytes[i] == 0) continue;
    if (mprotect(buffers[i], (size_t)bytes[i], PROT_READ | PROT_WRITE) != 0) return 7;
    if (fread(buffers[i], (size_t)bytes[i], 1, file) != 1) return puts("short buffers"), 8;
  }
  for (int i = 0; i < most; ++i)
    p[i] = places[i][0] < 0 ? NULL : buffers[places[i][0]] + places[i][1];
  for (int64_t task = head[1]; task-- > head[0];)
    run(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], task, head[2]);
  if (fseek(file, start, SEEK_SET) != 0) return 9;
  for (int64_t i = 0; i < head[3]; ++i)
    if (bytes[i] > 0 && fwrite(buffers[i], (size_t)bytes[i], 1, file) != 1) return 10;
  return fclose(file) == 0 ? 0 : 11;
}
