/* Where a program starts that is linked with an older libc than the compiler's start files are for:
 * the dynamic loader has initialized libc by then. */
#include <stdlib.h>

int main(int count, char **arguments);

__attribute__((used)) static void begin(void **stack) {
  exit(main((int)(size_t)stack[0], (char **)(stack + 1)));
}

__asm__(".globl _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call begin\n");
