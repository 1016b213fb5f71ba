/// The tensors of a PyTorch file, found among what else a training script saved.
///
/// A file is a dictionary from name to tensor, or holds one under a key. Which, by these rules:
/// 1. a key of `averaged`, the first that leads to tensors: the average of the weights over the
///    training, which timm too prefers;
/// 2. a key of `plain`, likewise;
/// 3. the dictionary itself, if it holds tensors;
/// 4. its only other key that leads to tensors.
struct TorchState {
  /// By name.
  private(set) var tensors: [String: TorchTensor] = [:]
  /// What was taken and what was left, a line each.
  private(set) var notes: [String] = []

  /// Keys of averaged weights, the first choice first.
  static let averaged = ["state_dict_ema", "model_ema", "ema_state_dict", "ema", "teacher"]
  /// Keys of weights.
  static let plain = [
    "state_dict", "model_state_dict", "model", "module", "network", "net", "weights", "params",
  ]

  /// Deeper dictionaries are not searched.
  private static let depthLimit = 4

  /// Finds the tensors of what a pickle left.
  ///
  /// - Throws: A text of what is wrong.
  init(_ memory: PickleMemory, root: PickleHandle) throws(TorchFault) {
    guard case .dictionary = memory[root] else {
      throw TorchFault("holds \(memory[root].described), expected a dictionary of tensors")
    }
    var search = Search(memory: memory)
    guard let keys = try search.path(to: root, depth: 0) else {
      throw TorchFault("holds no tensor that has a name")
    }
    var members = memory.members(root) ?? [:]
    for (depth, key) in keys.enumerated() {
      if depth == 0 { note(key, among: members, &search) }
      members = members[key].flatMap { memory.members($0) } ?? [:]
    }
    var others: [String] = []
    for (name, handle) in members {
      if case .tensor(let index) = memory[handle] {
        tensors[name] = memory.tensors[index]
      } else {
        others.append(name)
      }
    }
    if !others.isEmpty {
      notes.append("left out what is not a tensor: \(Self.listed(others))")
    }
  }

  private mutating func note(
    _ key: String, among members: [String: PickleHandle], _ search: inout Search
  ) {
    var others: [String] = []
    for other in Self.averaged + Self.plain where other != key {
      guard let member = members[other] else { continue }
      if (try? search.path(to: member, depth: 1)) != nil { others.append(other) }
    }
    let rest = others.isEmpty ? "" : ", not those under \(Self.listed(others))"
    notes.append("the tensors are those under '\(key)'\(rest)")
  }

  /// Up to four names, and how many more there are.
  private static func listed(_ names: [String]) -> String {
    let shown = names.sorted().prefix(4).map { "'\($0.prefix(80))'" }.joined(separator: ", ")
    return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
  }

  /// A walk through dictionaries; each is looked at once, however many hold it.
  private struct Search {
    let memory: PickleMemory
    /// The keys that lead from a dictionary to tensors; `nil` if none do.
    private var found: [PickleHandle: [String]?] = [:]

    init(memory: PickleMemory) { self.memory = memory }

    /// The keys that lead to tensors; none for a dictionary that holds them itself.
    mutating func path(to handle: PickleHandle, depth: Int) throws(TorchFault) -> [String]? {
      if let known = found[handle] { return known }
      // Before its members are looked at: a dictionary may hold itself.
      found[handle] = .some(nil)
      guard depth < TorchState.depthLimit, let members = memory.members(handle) else { return nil }
      let path = try path(among: members, depth: depth)
      found[handle] = path
      return path
    }

    private mutating func path(
      among members: [String: PickleHandle], depth: Int
    ) throws(TorchFault) -> [String]? {
      for key in TorchState.averaged + TorchState.plain {
        if let member = members[key], let rest = try path(to: member, depth: depth + 1) {
          return [key] + rest
        }
      }
      let holdsTensors = members.values.contains {
        if case .tensor = memory[$0] { true } else { false }
      }
      if holdsTensors { return [] }
      var paths: [[String]] = []
      // An optimizer's state may be named after the parameters.
      for (key, member) in members.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("optim") {
        if let rest = try path(to: member, depth: depth + 1) { paths.append([key] + rest) }
      }
      guard paths.count <= 1 else {
        throw TorchFault(
          "holds several dictionaries of tensors: \(TorchState.listed(paths.map { $0[0] })); "
            + "expected one, or one under a usual key such as 'state_dict'")
      }
      return paths.first
    }
  }
}
