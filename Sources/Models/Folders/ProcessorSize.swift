import Diagnostics
import JSON

/// What an image processor's `size` says: which rule gives the size of a resized image.
enum ProcessorSize: Hashable, Sendable {
  case exact(height: Int, width: Int)
  case shortest(Int, atMost: Int? = nil)
  case longest(Int)
  case within(height: Int, width: Int)
  /// As many patches at most, of a side that is said elsewhere.
  case patches(Int)

  /// The aspect not kept, both edges the same.
  static func square(_ side: Int) -> ProcessorSize { .exact(height: side, width: side) }
  /// The aspect kept, within a square.
  static func within(_ side: Int) -> ProcessorSize { .within(height: side, width: side) }

  /// Whether the size is one of a square, or is reached without the aspect.
  var isSquare: Bool {
    switch self {
    case .exact: true
    case .shortest, .longest, .within, .patches: false
    }
  }

  /// The same rule over edges that a function makes of these.
  func mapped(_ edge: (Int) -> Int) -> ProcessorSize {
    switch self {
    case .exact(let height, let width): .exact(height: edge(height), width: edge(width))
    case .shortest(let side, let limit): .shortest(edge(side), atMost: limit)
    case .longest(let side): .longest(edge(side))
    case .within(let height, let width): .within(height: edge(height), width: edge(width))
    case .patches: self
    }
  }

  /// The rule as a specification says it.
  var mode: Preprocessing.Mode {
    switch self {
    case .exact: .exact
    case .shortest: .shortestEdge
    case .longest: .longestEdge
    case .within: .within
    case .patches: .patches
    }
  }

  /// The edges that the rule is about; one edge stands for both.
  var edges: (height: Int, width: Int) {
    switch self {
    case .exact(let height, let width), .within(let height, let width): (height, width)
    case .shortest(let side, _), .longest(let side): (side, side)
    case .patches(let count): (count, count)
    }
  }
}

extension ProcessorSize {
  /// Reads `size`: an integer, `[height, width]`, or an object with one of transformers' sets of
  /// keys.
  ///
  /// - Parameter square: `true` iff an integer is the side of a square, not a shortest edge.
  init?(_ root: ConfigurationObject, square: Bool) throws(Diagnostic) {
    guard let value = root.value("size") else { return nil }
    if let side = value.integer {
      let limit = try root.integer("max_size")
      self =
        square ? .square(try Self.checked(side, root)) : .shortest(side, atMost: limit)
    } else if case .array = value, let sides = try root.integers("size"), sides.count == 2 {
      self = .exact(height: sides[0], width: sides[1])
    } else if case .object = value, let object = try root.object("size") {
      self = try Self.keyed(object, root, value)
    } else {
      throw root.mistyped("size", value, expected: "an integer, two, or an object")
    }
    let (height, width) = edges
    _ = try (Self.checked(height, root), Self.checked(width, root))
    if case .shortest(_, let limit?) = self { _ = try Self.checked(limit, root) }
  }

  private static func keyed(
    _ object: ConfigurationObject, _ root: ConfigurationObject, _ value: JSONValue
  ) throws(Diagnostic) -> ProcessorSize {
    if let edge = try object.integer("shortest_edge") {
      return .shortest(edge, atMost: try object.integer("longest_edge"))
    }
    if let edge = try object.integer("longest_edge") { return .longest(edge) }
    if let height = try object.integer("height"), let width = try object.integer("width") {
      return .exact(height: height, width: width)
    }
    if let height = try object.integer("max_height"), let width = try object.integer("max_width") {
      return .within(height: height, width: width)
    }
    throw root.mistyped(
      "size", value,
      expected: "'shortest_edge', 'longest_edge', 'height' and 'width', or 'max_height' and "
        + "'max_width'")
  }

  private static func checked(
    _ side: Int, _ root: ConfigurationObject
  ) throws(Diagnostic) -> Int {
    guard (1...16384).contains(side) else {
      throw Diagnostic("'size' is \(side), expected 1 to 16384", at: .file(root.path))
    }
    return side
  }
}

extension ConfigurationObject {
  /// A size that is an integer for a square, `[height, width]`, or an object with these keys.
  func sides(_ key: String) throws(Diagnostic) -> (height: Int, width: Int)? {
    guard let value = value(key) else { return nil }
    var result: (height: Int, width: Int)?
    if let side = value.integer {
      result = (side, side)
    } else if case .array = value, let sides = try integers(key), sides.count == 2 {
      result = (sides[0], sides[1])
    } else if case .object = value, let object = try object(key),
      let height = try object.integer("height"), let width = try object.integer("width")
    {
      result = (height, width)
    }
    guard let result, (1...16384).contains(result.height), (1...16384).contains(result.width)
    else {
      throw mistyped(key, value, expected: "an integer, two, or 'height' and 'width'")
    }
    return result
  }
}
