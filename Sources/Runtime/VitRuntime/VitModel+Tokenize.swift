import CVitABI

/// A text as the ids that a text tower reads.
public struct VitTokens: Hashable, Sendable {
  /// As many as the model was compiled for, padded or cut as the checkpoint's library does.
  public var ids: [Int32]
  /// How many ids the whole text has, without padding, those around it included.
  public var wholeCount: Int

  /// `true` iff the text was cut.
  public var isTruncated: Bool { wholeCount > ids.count }
}

extension VitModel {
  /// `true` iff the model is a text tower that holds its tokenizer.
  public var hasTokenizer: Bool { entry.has(\.tokenize) && entry.pointee.tokenize != nil }

  /// Makes of a text the ids that `VitContext.run(ids:)` takes, by the checkpoint's own tokenizer.
  ///
  /// - Throws: `VitError` for a model without a tokenizer, and for a text that open_clip would
  ///   repair first, of a checkpoint of its.
  public func tokenize(_ text: String) throws(VitError) -> VitTokens {
    guard hasTokenizer else {
      throw VitError(
        .invalidArgument,
        description.input.holdsTokens
          ? "the library holds no tokenizer: give it ids"
          : "the model reads images, not texts")
    }
    var text = text
    var ids = [Int32](repeating: 0, count: description.input.elements)
    var wholeCount = 0
    let status = text.withUTF8 { bytes in
      // No bytes have no address.
      var none: CChar = 0
      return withUnsafePointer(to: &none) { none in
        bytes.withMemoryRebound(to: CChar.self) { bytes in
          entry.pointee.tokenize(bytes.baseAddress ?? none, bytes.count, &ids, &wholeCount)
        }
      }
    }
    try check(status)
    return VitTokens(ids: ids, wholeCount: wholeCount)
  }
}
