// The linker inside the vitc of `make dist`: LLD as a library, run as a process of its own, which is this
// program again with VITC_LINKER_ARGUMENT first. So a fault of the linker ends no compilation without a
// message, and its global state is nobody else's.
extern "C" {
#include "version.h"
}

#include "lld/Common/Driver.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Passes/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <vector>

// The entry of the Swift program, as SwiftPM names it.
extern "C" int vitc_main(int argc, char **argv);

// Takes the place of the weak one.
const char *vitc_linker(void) { return "LLD " LLVM_VERSION_STRING; }

// LLD brings LLVM's link-time optimization, and Debian's that names the optimizer Polly. vitc links no
// bitcode, so that none of it runs.
llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "Polly", LLVM_VERSION_STRING, [](llvm::PassBuilder &) {}};
}

int main(int argc, char **argv) {
  if (argc < 2 || std::strcmp(argv[1], VITC_LINKER_ARGUMENT) != 0) return vitc_main(argc, argv);
  std::vector<const char *> arguments(argv + 1, argv + argc);
  // The name says which of its faces LLD shows.
  arguments[0] = "ld.lld";
  return lld::elf::link(arguments, llvm::outs(), llvm::errs(), /*exitEarly=*/true, /*disableOutput=*/false) ? 0 : 1;
}
