import CVitABI
import Diagnostics
import Foundation
import Packaging
import RuntimeForTests

/// The record by which a library proves its weights: as `vitc verify` reads it in a file, and as a
/// self-test reads it in memory.
///
/// The bytes are a library; from the first mark of a weights file on, they are that file, called
/// `fuzz.weights`.
func fuzzProof(_ bytes: UnsafeRawBufferPointer) {
  let split = place(of: UInt64(VIT_WEIGHTS_MAGIC), in: bytes, step: 1) ?? bytes.count
  verify(
    library: UnsafeRawBufferPointer(rebasing: bytes[..<split]),
    weights: UnsafeRawBufferPointer(rebasing: bytes[split...]))
  selfTest(bytes)
}

/// Compares hashes; what is found right lies within its file.
private func verify(library: UnsafeRawBufferPointer, weights: UnsafeRawBufferPointer) {
  let folder = "/dev/shm/vitc-fuzz-proof-\(getpid())"
  mkdir(folder, 0o700)
  let files = [("libfuzz.so", library), ("fuzz.weights", weights)]
  defer {
    for (name, _) in files { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
  for (name, body) in files where !body.isEmpty {
    promise(
      FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data(body)),
      "cannot write \(name)")
  }
  expectDiagnostics { () throws(Diagnostic) in
    let check = try WeightCheck(library: "\(folder)/libfuzz.so")
    let file = check.file == "\(folder)/fuzz.weights" ? weights : library
    promise(check.bytes >= 0 && check.bytes <= file.count, "\(check.bytes) bytes of weights")
    promise(check.file.hasPrefix("\(folder)/"), "weights in \(check.file)")
  }
  expectDiagnostics { () throws(Diagnostic) in
    let path = "\(folder)/fuzz.weights"
    let check = try WeightCheck(library: "\(folder)/libfuzz.so", weights: path)
    promise(check.bytes <= weights.count && check.file == path, "weights in \(check.file)")
  }
}

/// Runs a self-test with the golden values of a record, whatever they are.
private func selfTest(_ bytes: UnsafeRawBufferPointer) {
  guard let place = place(of: UInt64(VIT_PROOF_MARK_LOW), in: bytes, step: 8) else { return }
  let small = SmallProgram()
  let outputs = Int(small.program.pointee.description.pointee.output_count)
  let size = MemoryLayout<vit_proof>.size + outputs * MemoryLayout<vit_selftest_values>.size
  let record = UnsafeMutableRawBufferPointer.allocate(
    byteCount: size, alignment: MemoryLayout<vit_proof>.alignment)
  defer { record.deallocate() }
  record.initializeMemory(as: UInt8.self, repeating: 0)
  record.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[place...].prefix(size)))
  guard let base = record.baseAddress else { return }
  small.program.pointee.proof = UnsafePointer(base.assumingMemoryBound(to: vit_proof.self))
  var options = vit_options()
  options.size = MemoryLayout<vit_options>.size
  options.threads = 1
  var model: OpaquePointer?
  promise(vit_rt_create(small.program, &options, &model) == VIT_OK, "no model")
  defer { vit_rt_destroy(model) }
  var result = vit_selftest_result()
  result.size = MemoryLayout<vit_selftest_result>.size
  result.error = -1
  let status = vit_rt_selftest(small.program, model, &result)
  switch status {
  case VIT_OK:
    promise(result.error >= 0 && result.error <= result.limit, "passed with \(result.error)")
  case VIT_SELFTEST_FAILED, VIT_NO_SELFTEST:
    promise(!small.lastError.isEmpty, "status \(status) without a text")
  default: promise(false, "status \(status)")
  }
}

/// Where a word is first, at a multiple of `step`.
private func place(of word: UInt64, in bytes: UnsafeRawBufferPointer, step: Int) -> Int? {
  stride(from: 0, through: bytes.count - 8, by: step).first {
    bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self) == word
  }
}
