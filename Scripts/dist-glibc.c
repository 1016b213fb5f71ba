/* What the distributed vitc would take of glibc after 2.34, written on what 2.34 has: RHEL 9, Ubuntu 22.04
 * and Amazon Linux 2023 have 2.34 or 2.35. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

/* glibc 2.36. Used for seeds by libstdc++ and Swift's library. */
uint32_t arc4random(void) {
  uint32_t value;
  unsigned char *next = (unsigned char *)&value;
  for (size_t left = sizeof value; left > 0;) {
    ssize_t count = getrandom(next, left, 0);
    if (count <= 0) continue;
    next += count;
    left -= (size_t)count;
  }
  return value;
}

/* glibc 2.35 gave hypotf a new version, which sets no errno. */
#ifdef __x86_64__
float old_hypotf(float x, float y);
__asm__(".symver old_hypotf, hypotf@GLIBC_2.2.5");
float hypotf(float x, float y) { return old_hypotf(x, y); }
#endif

/* glibc 2.35. GCC's unwinder asks for the object that holds an address, and for its unwinding table. */
struct search {
  uintptr_t address;
  struct dl_find_object *result;
};

/* What has a base of its own for data, as on 32 bits, is not built here. */
_Static_assert(!DLFO_STRUCT_HAS_EH_DBASE, "the base is not found");

static int visit(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  struct search *search = argument;
  uintptr_t low = UINTPTR_MAX, high = 0, table = 0;
  int holds = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    uintptr_t end = start + header->p_memsz;
    if (header->p_type == PT_GNU_EH_FRAME) table = start;
    if (header->p_type != PT_LOAD) continue;
    if (start <= search->address && search->address < end) holds = 1;
    if (start < low) low = start;
    if (end > high) high = end;
  }
  if (!holds || !table) return 0;
  *search->result = (struct dl_find_object){
      .dlfo_map_start = (void *)low, .dlfo_map_end = (void *)high, .dlfo_eh_frame = (void *)table};
  return 1;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
  struct search search = {(uintptr_t)address, result};
  return dl_iterate_phdr(visit, &search) ? 0 : -1;
}
