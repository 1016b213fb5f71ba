import JSON

/// What a compiled model says of itself beyond the fields of its description.
public struct VitDetails: Hashable, Sendable {
  /// What the classes of a model mean to each other.
  public enum Problem: String, Hashable, Sendable, CaseIterable {
    /// One class for an image: softmax.
    case singleLabel
    /// Any number of labels for an image, each with a probability of its own: sigmoid.
    case multiLabel
    /// Values, not classes.
    case regression
  }

  /// The names of the classes, in the order of the logits; empty where nothing is known.
  public var labels: [String]
  /// What the logits are for; `nil` where there are none, or where they are an embedding.
  public var problem: Problem?
  /// How a picture becomes the model's input; `nil` where the model cannot say.
  public var preprocessing: VitPreprocessing?
  /// What matrices are multiplied in, such as `bf16 99.9 %, f32 0.1 %`.
  public var precision: String
  /// Whose arithmetic the model follows, such as `timm: gelu, layer norm epsilon 1e-06`.
  public var numerics: String
  /// Depth, width and so on, as the model's family has them.
  public var architecture: [String: Int]

  init(_ json: JSONValue, scores: VitDescription.ScoreFunction?) {
    labels = json["labels"]?.array?.compactMap(\.string) ?? []
    problem = json["logits"]?.string == "classes" ? scores.map(Problem.init) : nil
    preprocessing = json["preprocessing"].flatMap(VitPreprocessing.init)
    precision = json["precision"]?.string ?? ""
    numerics = json["numerics"]?.string ?? ""
    architecture = [:]
    if case .object(let members)? = json["architecture"] {
      architecture = members.compactMapValues { $0.double.flatMap { Int(exactly: $0) } }
    }
  }
}

extension VitDetails.Problem {
  fileprivate init(_ scores: VitDescription.ScoreFunction) {
    self =
      switch scores {
      case .softmax: .singleLabel
      case .sigmoid: .multiLabel
      case .identity: .regression
      }
  }
}

extension VitDescription {
  /// Labels, preprocessing and so on, read from `json`.
  ///
  /// - Throws: `VitError` if the model's text is not JSON, which no version of vitc writes.
  public func details() throws(VitError) -> VitDetails {
    do {
      return VitDetails(try JSONValue(parsing: json), scores: scores)
    } catch {
      throw VitError(.notAModel, "the model's description is not JSON: \(error)")
    }
  }

  /// The names of the classes, in the order of the logits; empty where nothing is known.
  ///
  /// Read from `json` each time: keep them.
  public var labels: [String] { (try? details().labels) ?? [] }
}

extension JSONValue {
  /// A number, integer or not.
  var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }
}
