/// What one naming calls the tensors of a family: a row for each layer or tensor, by its canonical
/// name.
///
/// `{i}` in a canonical name is any number; in a stored name `{i}` is that number, `{i+1}` counts
/// from 1, `{i+1:02}` also has two digits; numbers are taken in order. A row whose canonical name
/// has the number itself comes first. Other words in braces are the naming's own. A tensor without
/// a row has no name: there is nothing to fall back to.
struct NameTable: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  /// How a layer's tensors are named and laid out; what it means, each naming says.
  enum Layout: Hashable, Sendable {
    /// As the model has them.
    case same
    /// A norm of tokens.
    case norm
    /// A norm of channels.
    case groupNorm
    /// A linear layer.
    case dense
    /// The projection to this many heads.
    case toHeads(Int)
    /// The projection of what this many heads give.
    case fromHeads(Int)
    /// A convolution.
    case convolution
    /// A linear layer, which the model has as a convolution of one pixel.
    case matrix
    /// The position table.
    case positions
  }

  /// Where a layer or a tensor is stored.
  struct Row: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The name, possibly with braces; of a layer, without the tensor's own part.
    var stored: String
    var layout: Layout
    /// Other names that some files have instead.
    var others: [String] = []
    /// `true` iff the prefix of the checkpoint does not apply.
    var isOutside = false
    /// Which of `parts` equal parts of the stored tensor's first axis it is.
    var part = 0
    /// How many parts the stored tensor has.
    var parts = 1
    /// `true` iff the prefix applies without its last part: it is beside what that names.
    var isBeside = false

    init(
      _ stored: String, _ layout: Layout = .same, isOutside: Bool = false,
      isBeside: Bool = false
    ) {
      self.stored = stored
      self.layout = layout
      self.isOutside = isOutside
      self.isBeside = isBeside
    }

    /// One of several equal parts of a stored tensor.
    static func part(_ index: Int, of count: Int, _ stored: String) -> Row {
      var row = Row(stored)
      row.part = index
      row.parts = count
      return row
    }

    init(stringLiteral stored: String) { self.init(stored) }
  }

  /// A row that was found for a tensor.
  struct Match: Hashable, Sendable {
    var row: Row
    /// The stored name with its numbers.
    var stored: String
    /// The other names that some files have instead, with their numbers.
    var others: [String]
    /// The numbers of the canonical name.
    var numbers: [Int]
    /// `weight` or `bias` where the row is a layer's.
    var leaf: String?

    init(_ row: Row, _ numbers: [Int], leaf: String?) {
      self.row = row
      self.numbers = numbers
      self.leaf = leaf
      stored = NameTable.filled(row.stored, numbers)
      others = row.others.map { NameTable.filled($0, numbers) }
    }
  }

  private var rows: [String: Row]
  /// The number of blocks, where one tensor may hold those of all.
  var blocks = 0
  /// Parts of names that tell tensors which the library's own models of the family have and the
  /// compiled model does not read: of another part of a whole, such as `text_model`, or of
  /// training.
  var unread: Set<String> = []

  init(dictionaryLiteral elements: (String, Row)...) {
    rows = Dictionary(elements, uniquingKeysWith: { _, last in last })
  }

  /// Both tables' rows; the second's where both have one.
  static func + (a: NameTable, b: NameTable) -> NameTable {
    var sum = a
    sum.rows.merge(b.rows) { _, last in last }
    sum.blocks = max(a.blocks, b.blocks)
    sum.unread.formUnion(b.unread)
    return sum
  }

  /// The same rows and one more, of a name that is not written out.
  func adding(_ canonical: String, _ row: Row) -> NameTable {
    var table = self
    table.rows[canonical] = row
    return table
  }

  /// The same rows; a stored name with `part` in it may have `other` there instead.
  func spelled(_ part: String, also other: String) -> NameTable {
    var table = self
    for (name, row) in rows where row.stored.contains(part) {
      table.rows[name]?.others.append(row.stored.replacing(part, with: other))
    }
    return table
  }

  /// The same rows; tensors whose names have one of these parts may be there unread.
  func ignoring(_ parts: String...) -> NameTable {
    var table = self
    table.unread.formUnion(parts)
    return table
  }

  /// The same rows, canonical and stored names each after a prefix.
  func prefixed(_ canonical: String, stored prefix: String = "") -> NameTable {
    var table: NameTable = [:]
    for (name, row) in rows {
      var row = row
      row.stored = prefix + row.stored
      table.rows[canonical + name] = row
    }
    return table
  }

  /// `true` iff a tensor of this stored name belongs to what the model does not read.
  func isUnread(_ stored: String) -> Bool {
    stored.split(separator: ".").contains { unread.contains(String($0)) }
  }

  /// The row of a tensor, or of the layer that it belongs to; `nil` if there is none.
  func match(_ canonical: String) -> Match? {
    var numbers: [Int] = []
    var parts = canonical.split(separator: ".", omittingEmptySubsequences: false).map { part in
      guard let number = Int(part) else { return String(part) }
      numbers.append(number)
      return "{i}"
    }
    if let row = rows[canonical] ?? rows[parts.joined(separator: ".")] {
      return Match(row, numbers, leaf: nil)
    }
    guard let leaf = parts.popLast(), leaf == "weight" || leaf == "bias",
      let row = rows[String(canonical.dropLast(leaf.count + 1))]
        ?? rows[parts.joined(separator: ".")]
    else { return nil }
    return Match(row, numbers, leaf: leaf)
  }

  fileprivate static func filled(_ template: String, _ numbers: [Int]) -> String {
    var left = numbers[...]
    return template.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.split(separator: ".", omittingEmptySubsequences: false).map { word in
        var text = String(word)
        for (mark, offset, digits) in [("{i}", 0, 1), ("{i+1}", 1, 1), ("{i+1:02}", 1, 2)] {
          guard text.contains(mark), let number = left.popFirst() else { continue }
          let digitsOfNumber = String(number + offset)
          let zeros = String(repeating: "0", count: max(0, digits - digitsOfNumber.count))
          text = text.replacing(mark, with: zeros + digitsOfNumber)
        }
        return text
      }.joined(separator: ".")
    }.joined(separator: "/")
  }
}

/// What every naming but timm's, which is the canonical one, calls the tensors of a model.
///
/// A family says which namings it has: a checkpoint under another one is refused by name.
struct StoredNames: Hashable, Sendable {
  /// Parts of timm's names that tell what training has beside the model.
  var unreadOfTimm: Set<String> = []
  /// Hugging Face's transformers.
  var transformers: NameTable?
  /// OpenCLIP's own Vision Transformer; towers of timm's need no table.
  var openCLIP: NameTable?
  /// Google's JAX code for Vision Transformers.
  var jax: NameTable?
  /// Google's Big Transfer.
  var bigTransfer: NameTable?

  /// No names but timm's.
  static let none = StoredNames()
}
