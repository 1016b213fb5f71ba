/// Runs a pickle as far as tensors need it, without being able to run code: a name of Python's is
/// a `PickleGlobal` or the end, and what is called is one of its roles.
///
/// Rules of the format: Python's `pickletools`. Memory: at most `operationLimit` values, each a few
/// words and what it takes of the pickle's bytes.
struct PickleMachine {
  /// Larger pickles are refused: 2^26 bytes are the names and places of some 200 000 tensors.
  static let sizeLimitBytes = 1 << 26
  /// Longer ones as well: 2^22 operations, about 35 for each tensor.
  static let operationLimit = 1 << 22

  private(set) var memory = PickleMemory()
  private let bytes: [UInt8]
  private var position = 0
  private var stack: [PickleHandle] = []
  /// The heights of the stack where marks are.
  private var marks: [Int] = []
  private var memo: [Int: PickleHandle] = [:]

  /// Runs a pickle; its memory, and the value that it leaves.
  static func run(_ bytes: [UInt8]) throws(PickleError) -> (PickleMemory, root: PickleHandle) {
    var machine = PickleMachine(bytes)
    let root = try machine.run()
    return (machine.memory, root)
  }

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func run() throws(PickleError) -> PickleHandle {
    for _ in 0..<Self.operationLimit {
      let start = position
      let byte = try next(UInt8.self)
      guard let operation = PickleOpcode(rawValue: byte) else {
        throw PickleError(message: PickleOpcode.refusal(byte), offset: start)
      }
      if operation == .stop { return try pop() }
      do throws(PickleError) {
        try perform(operation)
      } catch {
        throw PickleError(message: error.message, offset: start, global: error.global)
      }
    }
    throw error("it has more than \(Self.operationLimit) operations")
  }

  private mutating func perform(_ operation: PickleOpcode) throws(PickleError) {
    switch operation {
    case .proto:
      let version = try next(UInt8.self)
      guard version <= 5 else { throw error("protocol \(version), expected at most 5") }
    case .frame: _ = try next(UInt64.self)
    case .mark: marks.append(stack.count)
    case .pop:
      // Python's: of a mark, if that is on top.
      if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .dup: stack.append(try top())
    case .none: push(.none)
    case .newTrue: push(.bool(true))
    case .newFalse: push(.bool(false))
    case .binInt: push(.integer(Int(try next(Int32.self))))
    case .binInt1: push(.integer(Int(try next(UInt8.self))))
    case .binInt2: push(.integer(Int(try next(UInt16.self))))
    case .long1: pushLong(try take(Int(try next(UInt8.self))))
    case .long4: pushLong(try take(Int(try next(Int32.self))))
    case .binFloat:
      _ = try next(UInt64.self)
      push(.other("a float"))
    case .shortBinUnicode: try pushText(Int(try next(UInt8.self)))
    case .binUnicode: try pushText(Int(try next(UInt32.self)))
    case .binUnicode8: try pushText(try length())
    // Python 2's strings: names, where they are ASCII.
    case .shortBinString: try pushText(Int(try next(UInt8.self)))
    case .binString: try pushText(Int(try next(Int32.self)))
    case .shortBinBytes: try pushBytes(Int(try next(UInt8.self)))
    case .binBytes: try pushBytes(Int(try next(UInt32.self)))
    case .binBytes8, .byteArray8: try pushBytes(try length())
    case .emptyTuple: push(.tuple([]))
    case .emptyList: push(.list([]))
    case .emptyDict: push(.dictionary([]))
    case .emptySet: push(.other("a set"))
    case .tuple: push(.tuple(try popToMark()))
    case .tuple1: push(.tuple(try pop(1)))
    case .tuple2: push(.tuple(try pop(2)))
    case .tuple3: push(.tuple(try pop(3)))
    case .list: push(.list(try popToMark()))
    case .dict: push(.dictionary(try pairs(try popToMark())))
    case .frozenSet:
      _ = try popToMark()
      push(.other("a set"))
    case .append: try append([try pop()])
    case .appends, .addItems: try append(try popToMark())
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .binGet: try get(Int(try next(UInt8.self)))
    case .longBinGet: try get(Int(try next(UInt32.self)))
    case .binPut: memo[Int(try next(UInt8.self))] = try top()
    case .longBinPut: memo[Int(try next(UInt32.self))] = try top()
    case .memoize: memo[memo.count] = try top()
    case .global:
      let module = try line()
      try pushGlobal(module, try line())
    case .stackGlobal:
      let names = try pop(2)
      guard case .text(let module) = memory[names[0]], case .text(let name) = memory[names[1]]
      else { throw error("a name is \(memory[names[1]].described), expected a string") }
      try pushGlobal(module, name)
    case .binPersistentID: try pushStorage(try pop())
    case .reduce, .newObject:
      let operands = try pop(2)
      stack.append(try call(operands[0], operands[1]))
    case .build:
      // The attributes of an object, such as `_metadata` of a state dict: no tensor needs any.
      _ = try pop(2).first.map { stack.append($0) }
    case .stop: break
    }
  }

  // MARK: Bytes

  private func error(_ message: String) -> PickleError {
    PickleError(message: message, offset: position)
  }

  private mutating func take(_ count: Int) throws(PickleError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else { throw error("it is cut off") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func next<Number: FixedWidthInteger>(
    _: Number.Type
  ) throws(PickleError) -> Number {
    let raw = try take(MemoryLayout<Number>.size)
    return raw.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  private mutating func length() throws(PickleError) -> Int {
    guard let count = Int(exactly: try next(UInt64.self)) else { throw error("it is cut off") }
    return count
  }

  private mutating func line() throws(PickleError) -> String {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
      throw error("it is cut off")
    }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  // MARK: The stack

  private mutating func push(_ value: PickleValue) { stack.append(memory.make(value)) }

  private mutating func pushText(_ count: Int) throws(PickleError) {
    push(.text(String(decoding: try take(count), as: UTF8.self)))
  }

  private mutating func pushBytes(_ count: Int) throws(PickleError) {
    _ = try take(count)
    push(.other("a string of bytes"))
  }

  /// An integer in two's complement, the lowest byte first.
  private mutating func pushLong(_ raw: ArraySlice<UInt8>) {
    guard raw.count <= MemoryLayout<Int>.size else { return push(.other("a large integer")) }
    let isNegative = (raw.last ?? 0) & 0x80 != 0
    push(.integer(raw.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }))
  }

  private func top() throws(PickleError) -> PickleHandle {
    guard let last = stack.last, stack.count > marks.last ?? 0 else {
      throw error("its stack is empty")
    }
    return last
  }

  private mutating func pop() throws(PickleError) -> PickleHandle {
    let last = try top()
    stack.removeLast()
    return last
  }

  private mutating func pop(_ count: Int) throws(PickleError) -> [PickleHandle] {
    guard stack.count - (marks.last ?? 0) >= count else { throw error("its stack is empty") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(PickleError) -> [PickleHandle] {
    guard let mark = marks.popLast() else { throw error("a mark is missing") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func get(_ index: Int) throws(PickleError) {
    guard let handle = memo[index] else { throw error("nothing is kept at \(index)") }
    stack.append(handle)
  }

  private func pairs(_ handles: [PickleHandle]) throws(PickleError) -> [PickleItem] {
    guard handles.count.isMultiple(of: 2) else { throw error("a key has no value") }
    return stride(from: 0, to: handles.count, by: 2).map {
      PickleItem(key: handles[$0], value: handles[$0 + 1])
    }
  }

  private mutating func append(_ elements: [PickleHandle]) throws(PickleError) {
    let list = try top()
    if case .other = memory[list] { return }
    guard memory.append(elements, to: list) else {
      throw error("elements are added to \(memory[list].described)")
    }
  }

  private mutating func setItems(_ handles: [PickleHandle]) throws(PickleError) {
    let items = try pairs(handles)
    let dictionary = try top()
    if case .other = memory[dictionary] { return }
    guard memory.add(items, to: dictionary) else {
      throw error("items are set in \(memory[dictionary].described)")
    }
  }

  // MARK: Names

  private mutating func pushGlobal(_ module: String, _ name: String) throws(PickleError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      let full = "\(module).\(name)".prefix(200)
      throw PickleError(
        message: "it names '\(full)', which is not on the list of what tensors need",
        offset: position, global: String(full))
    }
    push(.global(global))
  }

  /// `('storage', type, key, device, count)`.
  private mutating func pushStorage(_ id: PickleHandle) throws(PickleError) {
    guard let parts = memory.elements(id), parts.count == 5,
      case .text("storage") = memory[parts[0]],
      case .global(let type) = memory[parts[1]], case .text(let key) = memory[parts[2]],
      case .integer(let count) = memory[parts[4]], count >= 0
    else {
      throw error("a storage is named by \(memory[id].described), expected type, key and count")
    }
    switch type.role {
    case .storage(let element):
      memory.storages.append(TorchStorage(key: key, element: element, count: count))
      push(.storage(memory.storages.count - 1))
    // A quantized storage: the tensor over it is unreadable anyway.
    case .bystander: push(.other("a storage of '\(type.name)'"))
    case .dictionary, .size, .tensor, .parameter, .subclass, .unreadable, .element, .tensorClass:
      throw error("a storage has the type '\(type.name)'")
    }
  }

  private mutating func call(
    _ function: PickleHandle, _ arguments: PickleHandle
  ) throws(PickleError) -> PickleHandle {
    guard case .global(let global) = memory[function] else {
      throw error("\(memory[function].described) is called")
    }
    guard case .tuple(let operands) = memory[arguments] else {
      throw error("'\(global.name)' is called with \(memory[arguments].described)")
    }
    do {
      return try memory.call(global, operands)
    } catch {
      throw self.error("'\(global.name)' \(error.message)")
    }
  }
}

/// Why a pickle cannot be run.
struct PickleError: Error {
  var message: String
  /// The place in the pickle, in bytes.
  var offset: Int
  /// The name that it may not use, if that is it.
  var global: String?
}
