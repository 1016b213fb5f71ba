/// The text of a drawing in SVG 1.1: lines, dots, boxes and words.
public struct SVG {
  private let width: Double
  private let height: Double
  private var elements: [String] = []

  /// An empty drawing on white, of a size in pixels.
  public init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// How a text lies to its place.
  public enum Anchor: String, Sendable {
    /// It begins there.
    case start
    /// It is centred there.
    case middle
    /// It ends there.
    case end
  }

  /// A line between two points.
  public mutating func line(
    from a: (Double, Double), to b: (Double, Double), color: String, dashes: String? = nil
  ) {
    let dashing = dashes.map { " stroke-dasharray=\"\($0)\"" } ?? ""
    elements.append(
      "<line x1=\"\(Self.number(a.0))\" y1=\"\(Self.number(a.1))\" x2=\"\(Self.number(b.0))\" "
        + "y2=\"\(Self.number(b.1))\" stroke=\"\(color)\"\(dashing)/>")
  }

  /// A dot, through which others shine; its title shows where the pointer rests on it.
  public mutating func dot(
    at center: (Double, Double), radius: Double, color: String, title: String
  ) {
    elements.append(
      "<circle cx=\"\(Self.number(center.0))\" cy=\"\(Self.number(center.1))\" "
        + "r=\"\(Self.number(radius))\" fill=\"\(color)\" fill-opacity=\"0.75\">"
        + "<title>\(Markup.escaped(title))</title></circle>")
  }

  /// A filled box; its title shows where the pointer rests on it.
  public mutating func box(
    at place: (Double, Double), size: (Double, Double), color: String, title: String
  ) {
    elements.append(
      "<rect x=\"\(Self.number(place.0))\" y=\"\(Self.number(place.1))\" "
        + "width=\"\(Self.number(size.0))\" height=\"\(Self.number(size.1))\" fill=\"\(color)\">"
        + "<title>\(Markup.escaped(title))</title></rect>")
  }

  /// A text on one line, turned around its place.
  public mutating func text(
    _ text: String, at place: (Double, Double), anchor: Anchor = .middle, size: Double = 12,
    color: String = "#333", turned degrees: Int = 0
  ) {
    let (x, y) = (Self.number(place.0), Self.number(place.1))
    let turn = degrees == 0 ? "" : " transform=\"rotate(\(degrees) \(x) \(y))\""
    elements.append(
      "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor.rawValue)\" "
        + "font-size=\"\(Self.number(size))\" fill=\"\(color)\"\(turn)>"
        + "\(Markup.escaped(text))</text>")
  }

  /// The file.
  public var document: String {
    let (width, height) = (Self.number(width), Self.number(height))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" font-family="sans-serif">
      <rect width="100%" height="100%" fill="white"/>
      \(elements.joined(separator: "\n"))
      </svg>

      """
  }

  /// A number with two digits after the point at most.
  public static func number(_ value: Double) -> String {
    let text = String((value * 100).rounded() / 100)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// What HTML and SVG have in common.
enum Markup {
  /// A text as it stands between tags and in attributes: control characters become U+FFFD, which no
  /// document may contain.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n": result.unicodeScalars.append(character)
      default:
        let isControl = character.value < 0x20 || 0x7F..<0xA0 ~= character.value
        result.unicodeScalars.append(isControl ? "\u{FFFD}" : character)
      }
    }
    return result
  }
}
