import Diagnostics

/// What untrusted bytes may reach, one entry for each reader: what `make fuzz` runs, and what the
/// tests replay.
///
/// A target takes any bytes, returns, and holds its reader to its promises: it traps where one is
/// broken. A diagnostic is a right answer.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// A safetensors file: header, and every tensor.
  case safetensors
  /// A `.npy` file, or a `.npz` archive and every array in it.
  case npz
  /// A zip archive of PyTorch's, and every tensor in it.
  case torch
  /// The pickle of such an archive.
  case pickle
  /// A model folder: `config.json`, `preprocessor_config.json`, an index, a safetensors header.
  case folder
  /// The text of a graph: parser, verifier, printer, passes, reference semantics.
  case ir
  /// An image file: decoder and preprocessing.
  case image
  /// A picture's fields and pixels, as an application gives them.
  case picture
  /// The file of a model's external weights.
  case weights
  /// A compiled library before the dynamic linker sees it.
  case library
  /// The record by which a library proves its weights and its results.
  case proof
  /// The files of a tokenizer, and texts by it.
  case tokenizer
  /// A text, by the tokenizers that libraries hold.
  case text

  /// Feeds bytes to the reader.
  public func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .safetensors: fuzzSafetensors(bytes)
    case .npz: fuzzNpz(bytes)
    case .torch: fuzzTorch(bytes)
    case .pickle: fuzzPickle(bytes)
    case .folder: fuzzFolder(bytes)
    case .ir: fuzzIR(bytes)
    case .image: fuzzImage(bytes)
    case .picture: fuzzPicture(bytes)
    case .weights: fuzzWeights(bytes)
    case .library: fuzzLibrary(bytes)
    case .proof: fuzzProof(bytes)
    case .tokenizer: fuzzTokenizer(bytes)
    case .text: fuzzText(bytes)
    }
  }
}

/// Holds a reader to a promise.
func promise(_ isKept: Bool, _ text: @autoclosure () -> String) {
  precondition(isKept, text())
}

/// Calls a reader; its diagnostics are right answers, if they say something.
func expectDiagnostics(_ body: () throws(Diagnostic) -> Void) {
  do throws(Diagnostic) {
    try body()
  } catch {
    promise(!error.message.isEmpty, "an empty message")
  }
}
