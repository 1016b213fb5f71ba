import HummingbirdCore
import Serving

/// What a client that posts a picture asks for in the address:
/// `?outputs=features,scores&classification=5`.
struct PictureQuery: Sendable {
  /// The outputs; empty for all, or for `scores` where there are classes.
  private var outputs: [String] = []
  private var classes: Int?

  init(_ uri: URI) throws(ServeError) {
    if let text = uri.queryParameters.get("outputs") {
      outputs = text.split(separator: ",").map(String.init)
    }
    if let text = uri.queryParameters.get("classification") {
      guard let count = Int(text), count > 0 else {
        throw ServeError(
          .invalid, "classification: found '\(text.prefix(20))', expected 1 or more")
      }
      classes = count
    }
  }

  /// The request; classes are read from the scores, unless outputs are named.
  func request(_ model: ServedModel) -> InferRequest {
    let best = model.offered.contains { $0.name == "scores" } ? "scores" : "logits"
    let names = outputs.isEmpty && classes != nil ? [best] : outputs
    return InferRequest(
      inputs: [], outputs: names.map { RequestedOutput($0, classes: classes) })
  }
}
