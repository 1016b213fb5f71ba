import CVitSystem

/// The packed weights of a model in memory: part of the library, or a mapped file.
struct Weights {
  let bytes: UnsafePointer<CChar>
  /// What to unmap; `nil` for embedded weights.
  let mapping: UnsafeMutableRawPointer?
  let mappingBytes: Int

  /// Unmaps a file.
  func release() {
    if let mapping { _ = munmap(mapping, mappingBytes) }
  }

  /// Finds the weights: the given path, else those embedded, else the file beside the library.
  static func load(
    _ program: UnsafePointer<vit_program>, path: UnsafePointer<CChar>?,
    into weights: inout Weights?
  ) -> vit_status {
    if let path { return map(program, path: path, into: &weights) }
    if let embedded = program.pointee.weights {
      populate(UnsafeMutableRawPointer(mutating: embedded), Int(program.pointee.weights_bytes))
      weights = Weights(bytes: embedded, mapping: nil, mappingBytes: 0)
      return VIT_OK
    }
    guard let name = program.pointee.weights_file_name else {
      return fail(
        program, VIT_WEIGHTS_UNREADABLE,
        "the library holds no weights and names no weights file; set options.weights_path")
    }
    guard let paths = LibraryPlace(program, beside: name) else {
      return fail(program, VIT_OUT_OF_MEMORY, "no memory for the weights file's path")
    }
    defer { paths.release() }
    // Beside the name that the library was loaded by, where links gather files of several folders.
    let path = !exists(paths.real) && exists(paths.asLoaded) ? paths.asLoaded : paths.real
    return map(program, path: path, into: &weights)
  }

  /// Whether something is at a path, as far as the kernel says.
  private static func exists(_ path: UnsafePointer<CChar>) -> Bool { vit_file_type(path) != 0 }

  /// Asks the kernel for huge pages, and to enter all pages into the page table at once.
  ///
  /// Huge pages of a file are up to its file system: where it has them, they come as the file is
  /// read for the first time. All at once is 10 times as fast as one fault for each page at the
  /// first run. Advice only: a kernel that cannot does no harm.
  private static func populate(_ start: UnsafeMutableRawPointer, _ count: Int) {
    let down = Int(bitPattern: start) & 4095
    _ = madvise(start - down, count &+ down, VIT_MADV_HUGEPAGE)
    _ = madvise(start - down, count &+ down, VIT_MADV_POPULATE_READ)
  }

  /// Maps and checks a weights file.
  private static func map(
    _ program: UnsafePointer<vit_program>, path: UnsafePointer<CChar>, into weights: inout Weights?
  ) -> vit_status {
    let type = vit_file_type(path)
    guard type == 0 || type == VIT_FILE_REGULAR || type == VIT_FILE_FOLDER else {
      var error = ErrorText(program)
      error.append("weights file ")
      error.append(quoted: path)
      error.append(": is not a regular file but a pipe, a socket or a device")
      return VIT_WEIGHTS_UNREADABLE
    }
    let file = vit_open_to_read(path)
    guard file >= 0 else {
      var error = ErrorText(program)
      error.append("weights file ")
      error.append(quoted: path)
      explain(errno: vit_errno(), in: &error)
      return VIT_WEIGHTS_UNREADABLE
    }
    defer { _ = close(file) }

    var header = vit_weights_header()
    let headerBytes = MemoryLayout<vit_weights_header>.size
    let got = unsafe pread(file, &header, numericCast(headerBytes), 0)
    let fileBytes = lseek(file, 0, VIT_SEEK_END)
    guard got >= 0, fileBytes >= 0 else {
      var error = ErrorText(program)
      error.append("weights file ")
      error.append(quoted: path)
      explain(errno: vit_errno(), in: &error)
      return VIT_WEIGHTS_UNREADABLE
    }
    let status = check(
      program, path: path, header: header, headerIsWhole: got == headerBytes,
      fileBytes: Int(fileBytes))
    guard status == VIT_OK else { return status }

    let start = mmap(nil, numericCast(fileBytes), VIT_PROT_READ, VIT_MAP_SHARED, file, 0)
    // MAP_FAILED is -1.
    guard let start, Int(bitPattern: start) != -1 else {
      var error = ErrorText(program)
      error.append("weights file ")
      error.append(quoted: path)
      error.append(": cannot map ")
      error.append(Int(fileBytes))
      error.append(" bytes (errno ")
      error.append(Int(vit_errno()))
      error.append(")")
      return VIT_WEIGHTS_UNREADABLE
    }
    populate(start, Int(fileBytes))
    let blob = start + Int(VIT_WEIGHTS_OFFSET)
    weights = Weights(
      bytes: UnsafePointer(blob.assumingMemoryBound(to: CChar.self)), mapping: start,
      mappingBytes: Int(fileBytes))
    return VIT_OK
  }

  /// Compares header and size with what the program was compiled for.
  private static func check(
    _ program: UnsafePointer<vit_program>, path: UnsafePointer<CChar>, header: vit_weights_header,
    headerIsWhole: Bool, fileBytes: Int
  ) -> vit_status {
    let wantedBytes = UInt64(VIT_WEIGHTS_OFFSET) &+ program.pointee.weights_bytes
    let wantedHash = program.pointee.weights_hash
    var error = ErrorText(program)
    error.append("weights file ")
    error.append(quoted: path)
    if headerIsWhole && header.magic != VIT_WEIGHTS_MAGIC {
      error.append(": is not a vitc weights file")
    } else if headerIsWhole && header.abi_version != VIT_ABI_VERSION {
      error.append(": has ABI version ")
      error.append(UInt64(header.abi_version))
      error.append(", expected ")
      error.append(UInt64(VIT_ABI_VERSION))
    } else if headerIsWhole && header.weights_hash != wantedHash {
      error.append(": belongs to another model: its hash is ")
      error.append(hash: header.weights_hash)
      error.append(", expected ")
      error.append(hash: wantedHash)
    } else if UInt64(bitPattern: Int64(fileBytes)) != wantedBytes
      || header.weights_bytes != program.pointee.weights_bytes
    {
      error.append(": is ")
      error.append(fileBytes)
      error.append(" bytes, expected ")
      error.append(wantedBytes)
      error.append(
        UInt64(bitPattern: Int64(fileBytes)) < wantedBytes
          ? "; it was truncated" : "; it was damaged")
    } else {
      error = ErrorText(program)
      return VIT_OK
    }
    return VIT_WEIGHTS_MISMATCH
  }

  /// Says in words why a file cannot be read.
  private static func explain(errno: Int32, in error: inout ErrorText) {
    switch errno {
    case 2, 20: error.append(": no such file")
    case 13, 1: error.append(": permission denied")
    case 21: error.append(": is a folder")
    default:
      error.append(": cannot be read (errno ")
      error.append(Int(errno))
      error.append(")")
    }
  }
}
