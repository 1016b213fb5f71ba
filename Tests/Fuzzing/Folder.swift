import Diagnostics
import Foundation
import IR
import Models

/// A model folder, loaded up to its graph; the graphs' target runs the passes.
///
/// The bytes are the folder's files one after the other, each after the ASCII record separator and
/// its name in one letter: `c` config.json, `p` preprocessor_config.json, `m`
/// processor_config.json, `i` the index, `s` the JSON header of model.safetensors, whose length and
/// data are added.
func fuzzFolder(_ bytes: UnsafeRawBufferPointer) {
  let folder = "/dev/shm/vitc-fuzz-\(getpid())"
  mkdir(folder, 0o700)
  defer {
    for name in folderFiles.values { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
  for part in bytes.split(separator: 0x1E) {
    guard let letter = part.first, let name = folderFiles[letter] else { continue }
    let body = UnsafeRawBufferPointer(rebasing: part.dropFirst())
    if letter == UInt8(ascii: "s") {
      writeSafetensors(body, to: "\(folder)/\(name)")
    } else {
      writeFile(Data(body), to: "\(folder)/\(name)")
    }
  }
  // Most checkpoints do not fit; without them, what the configuration alone says is looked at.
  for options in [ModelOptions(), ModelOptions(weights: "seed:1")] {
    var isWhole = false
    expectDiagnostics { () throws(Diagnostic) in
      let model = try Model.load(folder, options: options)
      isWhole = true
      // A deep model takes seconds.
      guard model.configuration.architecture["depth", default: 0] < 4 else { return }
      let graph = try model.graph(outputs: model.defaultOutputs)
      try Verifier.verify(graph)
    }
    if isWhole { return }
  }
}

private let folderFiles: [UInt8: String] = [
  UInt8(ascii: "c"): "config.json", UInt8(ascii: "p"): "preprocessor_config.json",
  UInt8(ascii: "m"): "processor_config.json",
  UInt8(ascii: "i"): "model.safetensors.index.json", UInt8(ascii: "s"): "model.safetensors",
]

/// Writes a header with its length, and as many zeros (without taking memory) as the last number in
/// it says.
private func writeSafetensors(_ header: UnsafeRawBufferPointer, to path: String) {
  var data = Data()
  withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
  data.append(contentsOf: header)
  writeFile(data, to: path)
  let digits = header.split { !(0x30...0x39).contains($0) }.last ?? header[..<0]
  if let count = Int(String(decoding: digits, as: UTF8.self)), count < 1 << 30 {
    truncate(path, off_t(data.count + count))
  }
}

private func writeFile(_ data: Data, to path: String) {
  promise(FileManager.default.createFile(atPath: path, contents: data), "cannot write \(path)")
}
