import JSON
import VitRuntime

/// A model that the server answers for: what it is, and how pictures become its input.
public struct ServedModel: Sendable {
  /// A tensor that goes in or comes out, for one image.
  public struct Tensor: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The extents, without the batch's.
    public var shape: [Int]

    /// Creates a tensor.
    public init(_ name: String, _ shape: [Int]) {
      self.name = name
      self.shape = shape
    }

    /// The number of elements for one image.
    public var elements: Int { shape.reduce(1, *) }
  }

  /// The name that requests use.
  public var name: String
  /// The only version: a compiled model has no older ones beside it.
  public static let version = "1"
  /// The images.
  public var input: Tensor
  /// What a run computes, in the library's order.
  public var outputs: [Tensor]
  /// What makes scores of the output `logits`; `nil` if there is none.
  public var scores: VitDescription.ScoreFunction?
  /// The names of the classes; empty where the checkpoint had none.
  public var labels: [String] = []
  /// Whether transparent pictures are put on white, as the model's preprocessing says.
  public var isOnWhite = false
  /// Facts for metrics and metadata: the variant, the target, the instruction set, the weights'
  /// hash.
  public var facts: [String: String] = [:]
  /// Makes an image of the model's input from RGB pixels, rows from the top, 3 bytes a pixel.
  public var preprocess: @Sendable (_ rgb: [UInt8], _ width: Int, _ height: Int) throws -> [Float]

  /// Creates a model from what it is.
  public init(
    name: String, input: Tensor, outputs: [Tensor],
    scores: VitDescription.ScoreFunction? = nil, labels: [String] = [],
    preprocess: @escaping @Sendable ([UInt8], Int, Int) throws -> [Float]
  ) {
    self.name = name
    self.input = input
    self.outputs = outputs
    self.scores = scores
    self.labels = labels
    self.preprocess = preprocess
  }

  /// Takes a compiled model.
  ///
  /// - Throws: `invalid` for elements other than `f32`.
  public init(_ model: VitModel, name: String) throws(ServeError) {
    let description = model.description
    for tensor in [description.input] + description.outputs where tensor.dtype != "f32" {
      throw ServeError(
        .invalid,
        "model '\(name)': '\(tensor.name)' has elements of \(tensor.dtype), the server takes f32")
    }
    self.init(
      name: name, input: Tensor(description.input.name, description.input.shape),
      outputs: description.outputs.map { Tensor($0.name, $0.shape) }
    ) { rgb, width, height in try model.preprocess(rgb: rgb, width: width, height: height) }
    // Models compiled before vitc knew have softmax's classes.
    if description.outputs.contains(where: { $0.name == Self.logits }) {
      scores = description.scores ?? .softmax
    }
    let extras = (try? JSONValue(parsing: description.json)) ?? .object([:])
    labels = extras["labels"]?.array?.compactMap(\.string) ?? []
    isOnWhite = extras["preprocessing"]?["alpha"]?.string == "onWhite"
    facts = [
      "variant": description.model, "compiler": description.compilerVersion,
      "target": description.target, "isa": model.isa, "weights": description.weightsHash,
    ]
  }

  /// The output that classes are read from.
  static let logits = "logits"
  /// What the server adds where there are logits: their scores.
  static let scores = "scores"

  /// What requests can ask for: the model's outputs, and `scores` where there are logits and the
  /// model has no output of this name itself.
  public var offered: [Tensor] {
    guard scores != nil, !outputs.contains(where: { $0.name == Self.scores }),
      let logits = outputs.first(where: { $0.name == Self.logits })
    else { return outputs }
    return outputs + [Tensor(Self.scores, logits.shape)]
  }

  /// `true` iff the server computes this output from the logits.
  func isDerived(_ name: String) -> Bool {
    name == Self.scores && !outputs.contains { $0.name == name }
  }

  /// The outputs of a run that a request needs.
  public func computed(for request: InferRequest) -> Set<String> {
    guard !request.outputs.isEmpty else { return Set(outputs.map(\.name)) }
    return Set(request.outputs.map { isDerived($0.name) ? Self.logits : $0.name })
  }

  /// Checks the outputs that a request names, before anything is computed.
  ///
  /// - Throws: `invalid` for an output that is not there or is named twice, and for classes of an
  ///   output that is not a row of numbers.
  public func check(_ request: InferRequest) throws(ServeError) {
    var seen: Set<String> = []
    for wanted in request.outputs {
      guard let output = offered.first(where: { $0.name == wanted.name }) else {
        throw ServeError(
          .invalid,
          "the model has no output '\(wanted.name.prefix(80))', but "
            + offered.map { "'\($0.name)'" }.joined(separator: ", "))
      }
      guard seen.insert(wanted.name).inserted else {
        throw ServeError(.invalid, "output '\(wanted.name)' is named twice")
      }
      guard wanted.classes ?? 0 == 0 || output.shape.count == 1 else {
        throw ServeError(
          .invalid,
          "classification: '\(wanted.name)' has shape \(output.shape), expected one number a class")
      }
    }
  }

  /// The answer to `GET v2/models/NAME`.
  public var metadata: JSONValue {
    func tensor(_ tensor: Tensor) -> JSONValue {
      .object([
        "name": .string(tensor.name), "datatype": .string(Datatype.float32.rawValue),
        "shape": .array(([-1] + tensor.shape).map { .integer($0) }),
      ])
    }
    return .object([
      "name": .string(name), "versions": .array([.string(Self.version)]),
      "platform": .string("vitc"), "inputs": .array([tensor(input)]),
      "outputs": .array(offered.map(tensor)),
      "parameters": .object(facts.mapValues { .string($0) }),
    ])
  }
}
