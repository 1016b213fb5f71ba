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

  /// What the model is for images of one size.
  public struct Size: Hashable, Sendable {
    /// The images.
    public var input: Tensor
    /// What a run computes, in the library's order; the names are those of all sizes.
    public var outputs: [Tensor]

    /// Creates a size.
    public init(input: Tensor, outputs: [Tensor]) {
      self.input = input
      self.outputs = outputs
    }
  }

  /// The name that requests use.
  public var name: String
  /// The only version: a compiled model has no older ones beside it.
  public static let version = "1"
  /// The first size.
  private let first: Size
  /// The other sizes.
  private let further: [Size]
  /// The sizes of images; there is at least one.
  public var sizes: [Size] { [first] + further }
  /// The images, of the first size.
  public var input: Tensor { first.input }
  /// What a run of the first size computes, in the library's order.
  public var outputs: [Tensor] { first.outputs }
  /// What makes scores of the output `logits`; `nil` if there is none.
  public var scores: VitDescription.ScoreFunction?
  /// The names of the classes; empty where the checkpoint had none.
  public var labels: [String] = []
  /// Whether transparent pictures are put on white, as the model's preprocessing says.
  public var isOnWhite = false
  /// Facts for metrics and metadata: the variant, the target, the instruction set, the weights'
  /// hash.
  public var facts: [String: String] = [:]
  /// Makes an image of a size that the picture chooses, from RGB pixels, rows from the top, 3 bytes
  /// a pixel.
  public typealias Preprocess =
    @Sendable (_ rgb: [UInt8], _ width: Int, _ height: Int) throws -> (image: [Float], size: Int)
  /// Makes an image of a picture.
  public var preprocess: Preprocess

  /// Creates a model from what it is.
  public init(
    name: String, first: Size, further: [Size] = [],
    scores: VitDescription.ScoreFunction? = nil, labels: [String] = [],
    preprocess: @escaping Preprocess
  ) {
    self.name = name
    self.first = first
    self.further = further
    self.scores = scores
    self.labels = labels
    self.preprocess = preprocess
  }

  /// Takes a compiled model.
  ///
  /// - Throws: `invalid` for elements other than `f32`.
  public init(_ model: VitModel, name: String) throws(ServeError) {
    let description = model.description
    // Of all sizes the types are the same.
    for tensor in [description.input] + description.outputs where tensor.dtype != "f32" {
      throw ServeError(
        .invalid,
        "model '\(name)': '\(tensor.name)' has elements of \(tensor.dtype), the server takes f32")
    }
    let sizes = model.sizes.map { size in
      Size(
        input: Tensor(size.input.name, size.input.shape),
        outputs: size.outputs.map { Tensor($0.name, $0.shape) })
    }
    guard let first = sizes.first else {
      throw ServeError(.failed, "model '\(name)' has no size of images")
    }
    self.init(name: name, first: first, further: Array(sizes.dropFirst())) { rgb, width, height in
      let size = try model.size(forWidth: width, height: height)
      return (try model.preprocess(rgb: rgb, width: width, height: height, size: size), size)
    }
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
  public var offered: [Tensor] { offered(of: first) }

  /// The same, with the shapes for images of a size, a place in `sizes`.
  public func offered(size: Int) -> [Tensor] {
    offered(of: further.indices.contains(size - 1) ? further[size - 1] : first)
  }

  private func offered(of size: Size) -> [Tensor] {
    guard scores != nil, !size.outputs.contains(where: { $0.name == Self.scores }),
      let logits = size.outputs.first(where: { $0.name == Self.logits })
    else { return size.outputs }
    return size.outputs + [Tensor(Self.scores, logits.shape)]
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

  /// Checks that the outputs a request wants are tensors, whatever the sizes of its images.
  ///
  /// - Throws: `invalid` for an output whose shape differs between them.
  public func check(_ request: InferRequest, sizes found: [Int]) throws(ServeError) {
    guard let one = found.first else { return }
    let names =
      request.outputs.isEmpty ? offered.map(\.name) : request.outputs.map(\.name)
    // Some sizes may have equal shapes and others not.
    for other in Set(found).sorted() where other != one {
      for (mine, theirs) in zip(offered(size: one), offered(size: other))
      where mine.shape != theirs.shape && names.contains(mine.name) {
        throw ServeError(
          .invalid,
          "the images become several sizes, for which '\(mine.name)' has the shapes "
            + "\(mine.shape) and \(theirs.shape): send them one by one, or ask for other outputs")
      }
    }
  }

  /// The answer to `GET v2/models/NAME`: -1 is an extent that the client chooses, or that follows
  /// from what it chose.
  public var metadata: JSONValue {
    func tensor(_ ofSizes: [Tensor]) -> JSONValue {
      let shapes = ofSizes.map(\.shape)
      let shape = (shapes.first ?? []).enumerated().map { place, extent in
        shapes.allSatisfy { $0.count > place && $0[place] == extent } ? extent : -1
      }
      return .object([
        "name": .string(ofSizes.first?.name ?? ""),
        "datatype": .string(Datatype.float32.rawValue),
        "shape": .array(([-1] + shape).map { .integer($0) }),
      ])
    }
    let all = sizes.map(offered(of:))
    var parameters = facts
    if !further.isEmpty {
      parameters["sizes"] =
        sizes.map { $0.input.shape.dropFirst().map(String.init).joined(separator: "x") }
        .joined(separator: ",")
    }
    return .object([
      "name": .string(name), "versions": .array([.string(Self.version)]),
      "platform": .string("vitc"), "inputs": .array([tensor(sizes.map(\.input))]),
      "outputs": .array(offered.indices.map { place in tensor(all.map { $0[place] }) }),
      "parameters": .object(parameters.mapValues { .string($0) }),
    ])
  }
}
