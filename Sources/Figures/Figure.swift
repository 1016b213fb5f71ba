import JSON
import Npy

/// One figure: pictures, the numbers behind them, and the definition of what is shown.
public struct Figure {
  /// An array of numbers of a figure.
  public struct Numbers {
    /// The name of the array: `NAME.npy` is its file.
    public let name: String
    /// What it is and what its dimensions count.
    public let meaning: String
    /// The extent of each dimension, outermost first.
    public let shape: [Int]
    /// The elements, row-major.
    public let values: [Double]
  }

  /// A picture of a figure.
  public struct Picture {
    /// The name of its file, with the ending.
    public let file: String
    /// What is to be seen, for those who do not see it.
    public let description: String
    /// The file.
    public let bytes: [UInt8]
  }

  /// Colours and what they stand for.
  struct Scale {
    let map: ColorMap
    let lowest: String
    let highest: String
  }

  /// Its name, such as `distance`; its JSON file is named after it.
  public let name: String
  /// Its heading.
  public let title: String
  /// The definition of what is shown.
  public let caption: String
  /// Single numbers that are told with it, by name.
  public var facts: [(name: String, value: Double)] = []
  /// Its arrays.
  public var numbers: [Numbers] = []
  /// Its pictures.
  public var pictures: [Picture] = []
  /// What the colours stand for; `nil` where none stand for numbers.
  var scale: Scale?

  init(name: String, title: String, caption: String) {
    self.name = name
    self.title = title
    self.caption = caption
  }

  mutating func add(_ name: String, _ meaning: String, _ shape: [Int], _ values: [Double]) {
    numbers.append(Numbers(name: name, meaning: meaning, shape: shape, values: values))
  }

  mutating func add(_ raster: Raster, _ file: String, _ description: String) {
    pictures.append(
      Picture(file: file, description: description, bytes: raster.image.png))
  }

  mutating func add(_ drawing: SVG, _ file: String, _ description: String) {
    pictures.append(
      Picture(file: file, description: description, bytes: Array(drawing.document.utf8)))
  }
}

/// A figure that a model does not have.
public struct FigureGap {
  /// The figure's name.
  public let name: String
  /// The figure's heading.
  public let title: String
  /// Why there is none.
  public let reason: String
}

/// What became of a figure.
public enum FigureResult {
  case figure(Figure)
  case gap(FigureGap)
}

extension Figure {
  /// The most numbers of an array that stand in the JSON file too: more than those of the positions
  /// of a 16 x 16 grid are read from the `.npy` file only.
  private static let mostInJSON = 1 << 16

  /// The figure in JSON: what it is, and its numbers.
  var json: JSONValue {
    var arrays: [String: JSONValue] = [:]
    for array in numbers {
      var members: [String: JSONValue] = [
        "file": .string("\(array.name).npy"), "meaning": .string(array.meaning),
        "shape": .array(array.shape.map { .integer($0) }),
      ]
      if array.values.count <= Self.mostInJSON {
        members["values"] = .array(array.values.map { .number($0) })
      }
      arrays[array.name] = .object(members)
    }
    return .object([
      "figure": .string(name), "definition": .string(caption), "arrays": .object(arrays),
      "facts": .object(
        Dictionary(facts.map { ($0.name, .number($0.value)) }, uniquingKeysWith: { $1 })),
    ])
  }

  /// All of its files.
  var files: [(name: String, bytes: [UInt8])] {
    pictures.map { ($0.file, $0.bytes) }
      + numbers.map { ("\($0.name).npy", NpyArray.bytes(shape: $0.shape, doubles: $0.values)) }
      + [("\(name).json", Array((json.text(.compact) + "\n").utf8))]
  }
}
