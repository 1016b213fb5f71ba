import JSON

/// An inference request of the Open Inference Protocol, version 2, with the extensions
/// `binary_data` and `classification`: `POST v2/models/NAME/infer`.
public struct InferRequest: Hashable, Sendable {
  /// What the client calls the request; given back with the result.
  public var id: String?
  /// The time that the client gives the server, in microseconds: the parameter `timeout`.
  public var timeoutMicroseconds: Int?
  /// The tensors.
  public var inputs: [InputTensor]
  /// The outputs wanted; empty for all.
  public var outputs: [RequestedOutput] = []
  /// Whether outputs are binary data where they do not say: the parameter `binary_data_output`.
  public var isBinary = false

  /// Creates a request.
  public init(
    id: String? = nil, timeoutMicroseconds: Int? = nil, inputs: [InputTensor],
    outputs: [RequestedOutput] = [], isBinary: Bool = false
  ) {
    self.id = id
    self.timeoutMicroseconds = timeoutMicroseconds
    self.inputs = inputs
    self.outputs = outputs
    self.isBinary = isBinary
  }
}

/// A tensor of a request.
public struct InputTensor: Hashable, Sendable {
  /// Where the elements are.
  public enum Content: Hashable, Sendable {
    /// In the JSON text, flat or nested.
    case json([JSONValue])
    /// After the JSON text: these bytes of the body.
    case binary(Range<Int>)
  }

  /// The name of the model's input.
  public var name: String
  /// The element type.
  public var datatype: Datatype
  /// The extents, the batch's first; each at least 1.
  public var shape: [Int]
  /// The elements.
  public var content: Content

  /// The number of elements; `InferRequestReader` has made sure that it is an `Int`.
  public var elements: Int { shape.reduce(1, &*) }
}

/// An output that a request asks for.
public struct RequestedOutput: Hashable, Sendable {
  /// The name of the model's output.
  public var name: String
  /// Whether the result is binary data; `nil` if the output does not say.
  public var isBinary: Bool?
  /// The number of classes wanted, as texts `value:index:label`, instead of the numbers.
  public var classes: Int?

  /// Creates a wish.
  public init(_ name: String, isBinary: Bool? = nil, classes: Int? = nil) {
    self.name = name
    self.isBinary = isBinary
    self.classes = classes
  }
}
