#ifdef __linux__
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <string.h>
#endif

#include "vit_loader.h"

#ifdef __linux__

/* Addresses in the dynamic section are relocated by glibc and not by other C libraries. */
static const void *at(const struct link_map *map, ElfW(Addr) address) {
  return (const void *)(address >= map->l_addr ? address : map->l_addr + address);
}

static int ends_in_entry(const char *name) {
  static const char suffix[] = "_vitc_entry";
  size_t length = strlen(name);
  size_t tail = sizeof suffix - 1;
  return length > tail && memcmp(name + length - tail, suffix, tail) == 0;
}

const char *vit_entry_symbol(void *handle) {
  struct link_map *map = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == NULL) return NULL;
  const ElfW(Sym) *symbols = NULL;
  const char *strings = NULL;
  const uint32_t *hash = NULL;
  for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_SYMTAB) symbols = at(map, entry->d_un.d_ptr);
    if (entry->d_tag == DT_STRTAB) strings = at(map, entry->d_un.d_ptr);
    if (entry->d_tag == DT_HASH) hash = at(map, entry->d_un.d_ptr);
  }
  if (symbols == NULL || strings == NULL || hash == NULL) return NULL;
  /* The second word of the hash table is the number of symbols. */
  for (uint32_t i = 1; i < hash[1]; ++i) {
    const char *name = strings + symbols[i].st_name;
    if (symbols[i].st_shndx != SHN_UNDEF && ends_in_entry(name)) return name;
  }
  return NULL;
}
#else
/* Compiled models are ELF files, which no other system loads. */
const char *vit_entry_symbol(void *handle) {
  (void)handle;
  return NULL;
}
#endif

const vit_entry *vit_call_entry(void *function) {
  const vit_entry *(*entry)(void) = (const vit_entry *(*)(void))function;
  return entry();
}
