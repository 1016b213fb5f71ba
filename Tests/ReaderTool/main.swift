// Reads the files whose paths come in lines on the standard input, and writes what is in them to
// the standard output: the side of vitc in `Scripts/outside`.
//
//   vitc-readers images|tensors|arrays
//
// An answer is a line, `error TEXT` or `ok …`, and what follows it:
//   images   `ok WIDTH HEIGHT`, then the bytes of the pixels
//   tensors  `ok COUNT`, then for each tensor of a checkpoint
//            `NAME TYPE EXTENT…` and its values as float32, or `NAME -` where it is not read;
//            a name is its UTF-8 in hexadecimal, after an `x`
//   arrays   the same for a .npz archive

import Diagnostics
import Foundation
import Images
import Models
import Npy

/// Writes one answer.
func answer(_ line: String, _ bytes: UnsafeRawBufferPointer? = nil) {
  var data = Data((line + "\n").utf8)
  if let bytes { data.append(contentsOf: bytes) }
  FileHandle.standardOutput.write(data)
}

/// A name that may have spaces and line ends, as one word.
func word(_ name: String) -> String {
  "x" + name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func extents(_ shape: [Int]) -> String { shape.map { " \($0)" }.joined() }

func readImage(_ path: String) throws(Diagnostic) {
  let image = try Image(decoding: path)
  image.rgb.withUnsafeBytes { answer("ok \(image.width) \(image.height)", $0) }
}

func readTensors(_ path: String) throws(Diagnostic) {
  let checkpoint = try CheckpointFile.open(path: path)
  answer("ok \(checkpoint.names.count)")
  for name in checkpoint.names {
    guard let type = checkpoint.type(of: name), let tensor = try? checkpoint.read(name) else {
      answer("\(word(name)) -")
      continue
    }
    tensor.values.withUnsafeBytes {
      answer("\(word(name)) \(type.element.rawValue)\(extents(tensor.shape))", $0)
    }
  }
}

func readArrays(_ path: String) throws(Diagnostic) {
  let archive = try NpzArchive(path: path)
  answer("ok \(archive.names.count)")
  for name in archive.names {
    guard let array = try? archive.read(name) else {
      answer("\(word(name)) -")
      continue
    }
    array.values.withUnsafeBytes { answer("\(word(name)) F32\(extents(array.shape))", $0) }
  }
}

let kind = CommandLine.arguments.dropFirst().first ?? ""
while let path = readLine() {
  do throws(Diagnostic) {
    switch kind {
    case "images": try readImage(path)
    case "tensors": try readTensors(path)
    case "arrays": try readArrays(path)
    default: throw Diagnostic("found '\(kind)', expected images, tensors or arrays")
    }
  } catch {
    answer("error " + error.description.replacingOccurrences(of: "\n", with: " | "))
  }
}
