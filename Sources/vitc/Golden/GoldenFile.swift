import Diagnostics
import Npy

/// Inputs, the outputs that belong to them, and how far others may be from these.
struct GoldenFile {
  /// How far an output may be from the golden one.
  struct Limits: Hashable {
    /// The largest max|y - y0| / rms(y0) of any image.
    var tolerance: Double
    /// The smallest cosine of the angle between y and y0 of any image.
    var cosine: Double

    /// 2e-5: what f32 may lose against f64, as the project's own goldens have it.
    static let standard = Limits(tolerance: 2e-5, cosine: 0.9999)
  }

  /// The images, `[n, channels, height, width]`.
  let images: NpyArray
  /// How many they are, and their size.
  let batch: ImageBatch
  /// The outputs by name, each `[n, …]`, in the file's order.
  let outputs: [(name: String, array: NpyArray)]
  /// The limits that the file states, each if it does.
  let tolerance: Double?
  let cosine: Double?

  /// The names that the images may have.
  private static let inputNames = ["input", "images"]
  private static let toleranceName = "tolerance"
  private static let cosineName = "cosine"

  /// Writes a golden.
  static func write(
    _ path: String, images: NpyArray, outputs: [(name: String, array: NpyArray)], limits: Limits
  ) throws(Diagnostic) {
    try NpzArchive.write(
      path,
      [(inputNames[0], images)] + outputs + [
        (toleranceName, NpyArray(shape: [], values: [Float(limits.tolerance)])),
        (cosineName, NpyArray(shape: [], values: [Float(limits.cosine)])),
      ])
  }

  /// Reads a golden, with those arrays that are outputs of `model`; others are warned about.
  ///
  /// Errors: the archive cannot be read; it has no images or several arrays of them, or no output
  /// of the model; a shape is not what the model's is.
  init(_ path: String, for model: CompiledModel) throws(Diagnostic) {
    let archive = try NpzArchive(path: path)
    let inputs = Self.inputNames.filter { archive.contains($0) }
    guard inputs.count == 1, let input = inputs.first else {
      throw Diagnostic(
        inputs.isEmpty
          ? "found no array 'input' or 'images'" : "found both 'input' and 'images', expected one",
        at: .file(path), notes: ["arrays: \(ShortList.text(archive.names))"])
    }
    images = try archive.read(input)
    batch = try model.batch(images.shape, at: .tensor(input, file: path))
    let count = batch.count
    tolerance = try Self.number(Self.toleranceName, in: archive)
    cosine = try Self.number(Self.cosineName, in: archive)
    let known = model.description.outputs
    var outputs: [(name: String, array: NpyArray)] = []
    for name in archive.names
    where ![input, Self.toleranceName, Self.cosineName].contains(name) {
      let meant = CompiledModel.names(name)
      guard let output = known.first(where: { meant.contains($0.name) }) else {
        Console.tell(
          Diagnostic(
            "the model has no such output; it is not checked", severity: .warning,
            at: .tensor(name, file: path),
            hint: Suggestion.hint(for: name, in: known.map(\.name))))
        continue
      }
      let array = try archive.read(name)
      let shape = model.shape(of: output, batch.size)
      let expected = [count] + shape
      guard array.shape == expected || (count == 1 && array.shape == shape) else {
        throw Diagnostic(
          "the golden output has shape \(Format.shape(array.shape)), expected "
            + Format.shape(expected), at: .tensor(name, file: path))
      }
      outputs.append((output.name, array))
    }
    guard !outputs.isEmpty else {
      throw Diagnostic(
        "the golden has no output of the model", at: .file(path),
        notes: [
          "arrays: \(ShortList.text(archive.names))",
          "outputs: \(known.map(\.name).joined(separator: ", "))",
        ])
    }
    self.outputs = outputs
  }

  /// Reads an array of one number, if it is there.
  private static func number(
    _ name: String, in archive: NpzArchive
  ) throws(Diagnostic) -> Double? {
    guard archive.contains(name) else { return nil }
    let array = try archive.read(name)
    guard array.values.count == 1, let value = array.values.first, value.isFinite else {
      throw Diagnostic(
        "expected one finite number, found shape \(Format.shape(array.shape))",
        at: .tensor(name, file: archive.path))
    }
    // The decimal that was meant: 2e-5 as a Float is 1.9999999494757503e-05 as a Double.
    return Double(value.description) ?? Double(value)
  }
}
