import VitRuntime

/// A compiled library, as far as it is read before the dynamic linker maps it: a library is code,
/// and a hostile one is refused by nobody; a damaged one must not kill the process.
func fuzzLibrary(_ bytes: UnsafeRawBufferPointer) {
  let file = MemoryFile(bytes)
  if let fault = LibraryFile.fault(file.path) {
    promise(!fault.isEmpty, "an empty fault")
  } else {
    promise(bytes.count >= 64, "a library of \(bytes.count) bytes")
  }
}
