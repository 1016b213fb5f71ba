/// What the functions of a module do, to compare them with those of another module.
///
/// LLVM's text form would say it too, but a module of int8 has 50 000 to 100 000 lines, which took
/// 7 % of a compile to print and to read.
struct ModuleCode: Sendable {
  /// A function.
  struct Function: Hashable, Sendable {
    /// All that is said of its instructions, in order (``FunctionReader``).
    let words: [Int]
    /// The functions of the module that it calls or names.
    let callees: Set<String>
  }

  /// The functions that have a body, by their names; `nil` of one that cannot be compared.
  private(set) var functions: [String: Function?] = [:]

  mutating func set(_ name: String, _ function: Function?) {
    functions.updateValue(function, forKey: name)
  }

  /// The functions that are the same in another module, with all that they lead to.
  func shared(with other: ModuleCode) -> Set<String> {
    var shared = Set(
      functions.compactMap { name, own in
        own != nil && other.functions[name] == .some(own) ? name : nil
      })
    // Whoever leads to something that is not the same goes, until nobody does.
    while true {
      let kept = shared.filter { (functions[$0] ?? nil)?.callees.isSubset(of: shared) ?? false }
      guard kept.count < shared.count else { return shared }
      shared = kept
    }
  }
}

/// Numbers for texts, the same in every module.
final class TextNumbers {
  private var numbers: [String: Int] = [:]

  subscript(_ text: String) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = numbers.count
    return numbers.count - 1
  }
}
