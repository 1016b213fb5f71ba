import Diagnostics
import Models
import Npy

/// A safetensors file; each tensor is read, and has the values that its shape says.
func fuzzSafetensors(_ bytes: UnsafeRawBufferPointer) {
  let file = MemoryFile(bytes)
  expectDiagnostics { () throws(Diagnostic) in
    let checkpoint = try Safetensors(path: file.path)
    var total = 0
    for name in checkpoint.names {
      guard let type = checkpoint.type(of: name) else {
        promise(false, "a name without a tensor")
        return
      }
      do throws(Diagnostic) {
        let tensor = try checkpoint.read(name)
        promise(tensor.shape == type.shape, "another shape than promised")
        total += tensor.values.count
      } catch {
        promise(!type.element.isReadable || type.shape.contains(0), "unreadable: \(error)")
      }
    }
    // The same file as a head: what it promises has the numbers for it.
    if let head = try? HeadFile.read(file.path) {
      promise(head.labels.isEmpty || head.labels.count == head.classes, "labels of no class")
      promise(head.weight.values.count == head.classes * head.width, "weights of no head")
    }
    // Every element is in the file, in 16 bits at least.
    promise(2 * total <= bytes.count, "more values than the file can hold")
  }
}

/// A `.npz` archive, as arrays and as a checkpoint, or else a `.npy` file.
func fuzzNpz(_ bytes: UnsafeRawBufferPointer) {
  expectDiagnostics { () throws(Diagnostic) in
    if bytes.starts(with: [0x50, 0x4B]) {
      let file = MemoryFile(bytes)
      let archive = try NpzArchive(path: file.path)
      for name in archive.names {
        promise(archive.contains(name), "a name without an array")
        expectDiagnostics { () throws(Diagnostic) in
          let array = try archive.read(name)
          check(array)
          let part = array.values.count / 3..<array.values.count / 2
          promise(
            try archive.read(name, elements: part).elementsEqual(array.values[part]) { a, b in
              a.bitPattern == b.bitPattern
            }, "a part differs from the whole")
        }
      }
      let checkpoint = try NpzCheckpoint(path: file.path)
      for name in checkpoint.names {
        promise(
          (checkpoint.type(of: name) == nil) == (checkpoint.fault(of: name) != nil),
          "neither type nor fault")
        expectDiagnostics { () throws(Diagnostic) in
          let tensor = try checkpoint.read(name)
          promise(tensor.shape == checkpoint.type(of: name)?.shape, "another shape than promised")
        }
      }
    } else {
      check(try NpyArray(parsing: bytes, at: .file("fuzz.npy")))
    }
  }
}

private func check(_ array: NpyArray) {
  let count = array.shape.contains(0) ? 0 : array.shape.reduce(1, *)
  promise(array.values.count == count, "\(array.shape) with \(array.values.count) values")
}
