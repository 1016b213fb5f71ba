/// Where a value is in the memory of a `PickleMachine`.
///
/// Values refer to each other by place instead of holding each other: a pickle may nest values a
/// million deep or put one into itself, and neither may end in recursion or a leak.
struct PickleHandle: Hashable {
  let index: Int32
}

/// What a pickle has made.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case text(String)
  /// Whatever tensors do not need, and so nothing but its name for messages: `a float`.
  case other(String)
  case tuple([PickleHandle])
  case list([PickleHandle])
  case dictionary([PickleItem])
  case global(PickleGlobal)
  /// A place in `PickleMemory.storages`.
  case storage(Int)
  /// A place in `PickleMemory.tensors`.
  case tensor(Int)

  /// What the value is, for messages.
  var described: String {
    switch self {
    case .none: "None"
    case .bool(let value): value ? "True" : "False"
    case .integer(let value): "the integer \(value)"
    case .text(let value): "the string '\(value.prefix(40))'"
    case .other(let what): what
    case .tuple(let values): "a tuple of \(values.count)"
    case .list(let values): "a list of \(values.count)"
    case .dictionary(let items): "a dictionary of \(items.count)"
    case .global(let global): "the name '\(global.name)'"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// A key of a dictionary and its value.
struct PickleItem {
  var key: PickleHandle
  var value: PickleHandle
}

/// All values that a pickle has made, and the tables of storages and tensors.
struct PickleMemory {
  private(set) var values: [PickleValue] = []
  var storages: [TorchStorage] = []
  var tensors: [TorchTensor] = []

  subscript(_ handle: PickleHandle) -> PickleValue { values[Int(handle.index)] }

  /// Keeps a value.
  mutating func make(_ value: PickleValue) -> PickleHandle {
    values.append(value)
    return PickleHandle(index: Int32(values.count - 1))
  }

  /// Appends to a list; `false` if it is none.
  mutating func append(_ elements: some Sequence<PickleHandle>, to list: PickleHandle) -> Bool {
    guard case .list(var all) = values[Int(list.index)] else { return false }
    // Otherwise the array would be copied for each element.
    values[Int(list.index)] = .none
    all.append(contentsOf: elements)
    values[Int(list.index)] = .list(all)
    return true
  }

  /// Adds to a dictionary; `false` if it is none.
  mutating func add(_ items: some Sequence<PickleItem>, to dictionary: PickleHandle) -> Bool {
    guard case .dictionary(var all) = values[Int(dictionary.index)] else { return false }
    values[Int(dictionary.index)] = .none
    all.append(contentsOf: items)
    values[Int(dictionary.index)] = .dictionary(all)
    return true
  }

  /// The elements of a tuple or a list.
  func elements(_ handle: PickleHandle) -> [PickleHandle]? {
    switch self[handle] {
    case .tuple(let elements), .list(let elements): elements
    case .none, .bool, .integer, .text, .other, .dictionary, .global, .storage, .tensor: nil
    }
  }

  /// The integers of a tuple or a list; `nil` if it is none or holds something else.
  func integers(_ handle: PickleHandle) -> [Int]? {
    guard let elements = elements(handle) else { return nil }
    var integers: [Int] = []
    for element in elements {
      guard case .integer(let value) = self[element] else { return nil }
      integers.append(value)
    }
    return integers
  }

  /// The members of a dictionary whose keys are strings; of equal keys the last, as in Python.
  func members(_ handle: PickleHandle) -> [String: PickleHandle]? {
    guard case .dictionary(let items) = self[handle] else { return nil }
    var members: [String: PickleHandle] = [:]
    for item in items {
      if case .text(let key) = self[item.key] { members[key] = item.value }
    }
    return members
  }
}
