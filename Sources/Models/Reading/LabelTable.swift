import Diagnostics
import JSON

/// The names of classes as a configuration has them: by index, possibly with gaps.
struct LabelTable {
  /// The file.
  let path: String
  /// The key that holds them.
  let key: String
  /// How many entries the table has, with those that say nothing.
  private(set) var count = 0
  /// The names by index.
  private var names: [Int: String] = [:]
  /// `true` iff each entry says its index: a table that is too short then names the classes that
  /// it means.
  private var isByIndex = false

  /// transformers' `id2label`: an object whose keys are indices, in any order.
  ///
  /// Values that are numbers are taken as text, as transformers prints them; `null` says nothing.
  static func transformers(_ root: ConfigurationObject) throws(Diagnostic) -> LabelTable {
    var table = LabelTable(path: root.path, key: "id2label")
    table.isByIndex = true
    guard let object = try root.object("id2label") else { return table }
    table.count = object.members.count
    for (key, value) in object.members {
      guard let index = Int(key), index >= 0 else {
        throw Diagnostic(
          "'id2label' has the key '\(key)', expected the index of a class", at: .file(root.path))
      }
      guard let name = try table.name(value, key, object) else { continue }
      guard table.names.updateValue(name, forKey: index) == nil else {
        throw Diagnostic("'id2label' names class \(index) twice", at: .file(root.path))
      }
    }
    return table
  }

  /// timm's `label_names`: a list, or an object whose keys are 0, 1, …; where
  /// `label_descriptions` has more to say about a name, that is the label.
  static func timm(_ root: ConfigurationObject) throws(Diagnostic) -> LabelTable {
    var table = LabelTable(path: root.path, key: "label_names")
    guard let value = root.value("label_names") else { return table }
    var entries: [JSONValue] = []
    switch value {
    case .array(let list): entries = list
    case .object(let members):
      for index in 0..<members.count {
        guard let entry = members[String(index)] else {
          throw Diagnostic(
            "'label_names' has no key '\(index)' among \(members.count)", at: .file(root.path))
        }
        entries.append(entry)
      }
    case .null, .bool, .integer, .number, .string:
      throw root.mistyped("label_names", value, expected: "an array or an object")
    }
    let descriptions = try root.object("label_descriptions")
    table.count = entries.count
    for (index, entry) in entries.enumerated() {
      guard let name = try table.name(entry, "label_names", root) else { continue }
      table.names[index] = try descriptions?.string(name) ?? name
    }
    return table
  }

  private func name(
    _ value: JSONValue, _ key: String, _ object: ConfigurationObject
  ) throws(Diagnostic) -> String? {
    switch value {
    case .string(let name): return name
    case .integer(let number): return String(number)
    case .number(let number): return "\(number)"
    case .bool(let flag): return "\(flag)"
    case .null: return nil
    case .array, .object: throw object.mistyped(key, value, expected: "a string")
    }
  }

  /// The labels of a head of so many classes, none if nothing is known; a class without a name is
  /// called `class 7`.
  ///
  /// A table of another length that does not say what it means, or that names more classes than
  /// there are, is another head's: no label of it is used.
  func labels(classes: Int) -> (labels: [String], warning: Diagnostic?) {
    guard classes > 0 else { return ([], nil) }
    let hint = "'vitc run --labels FILE' takes others"
    guard count > 0 else {
      // timm's folders rarely have any.
      guard isByIndex else { return ([], nil) }
      return (
        [],
        Diagnostic(
          "there are no labels: classes are called 'class 0' and so on", severity: .warning,
          at: .file(path), hint: hint)
      )
    }
    guard count == classes || (isByIndex && count < classes) else {
      return (
        [],
        Diagnostic(
          "'\(key)' has \(count) labels for \(classes) classes, so they are another head's: "
            + "classes are called 'class 0' and so on",
          severity: .warning, at: .file(path), hint: hint)
      )
    }
    let unnamed = (0..<classes).filter { names[$0] == nil }
    let labels = (0..<classes).map { names[$0] ?? "class \($0)" }
    guard let first = unnamed.first else { return (labels, nil) }
    let beyond = names.keys.filter { $0 >= classes }.sorted().first
    return (
      labels,
      Diagnostic(
        "'\(key)' has no label for \(unnamed.count) of \(classes) classes: the first is called "
          + "'class \(first)'",
        severity: .warning, at: .file(path),
        notes: beyond.map { ["it has one for class \($0), which there is not"] } ?? [], hint: hint)
    )
  }
}
