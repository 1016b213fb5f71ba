/// What takes the place of Python's functions.
extension PickleMemory {
  /// The value of a call; what is wrong with a tensor is kept as its fault, since its name is known
  /// only later.
  ///
  /// - Throws: A text that goes on after the function's name.
  mutating func call(
    _ global: PickleGlobal, _ operands: [PickleHandle]
  ) throws(TorchFault) -> PickleHandle {
    switch global.role {
    case .dictionary: return try dictionary(operands)
    case .size:
      guard let first = operands.first, operands.count == 1 else {
        throw TorchFault("has \(operands.count) arguments, expected 1")
      }
      return first
    case .tensor(let version):
      do {
        return make(.view(try view(operands, version: version)))
      } catch {
        return make(.fault(error.message))
      }
    case .parameter:
      guard let data = operands.first, case .tensor = self[data] else {
        throw TorchFault("is given no tensor")
      }
      return data
    case .subclass: return try subclass(operands)
    case .unreadable(let what): return make(.fault("is \(what), expected a plain one"))
    case .bystander: return make(.other("an object of '\(global.name)'"))
    case .tensorClass, .storage, .element: throw TorchFault("cannot be called")
    }
  }

  private mutating func make(_ tensor: TorchTensor) -> PickleHandle {
    tensors.append(tensor)
    return make(.tensor(tensors.count - 1))
  }

  /// `OrderedDict()`, `OrderedDict([[key, value], …])`, `defaultdict(factory)`.
  private mutating func dictionary(
    _ operands: [PickleHandle]
  ) throws(TorchFault) -> PickleHandle {
    var items: [PickleItem] = []
    for operand in operands {
      for pair in elements(operand) ?? [] {
        guard let both = elements(pair), both.count == 2 else {
          throw TorchFault("is given \(self[pair].described), expected a key and a value")
        }
        items.append(PickleItem(key: both[0], value: both[1]))
      }
      if case .dictionary(let others) = self[operand] { items += others }
    }
    return make(.dictionary(items))
  }

  /// `(storage, offset, shape, strides, requires_grad, hooks[, metadata])`; version 1 ends with the
  /// strides, version 3 has the element type before the metadata.
  private func view(
    _ operands: [PickleHandle], version: Int
  ) throws(TorchFault) -> TorchView {
    let expected = [1: 4...4, 2: 6...7, 3: 7...8][version] ?? 0...0
    guard expected.contains(operands.count) else {
      throw TorchFault("is described by \(operands.count) values, expected \(expected.upperBound)")
    }
    guard case .storage(let index) = self[operands[0]] else {
      throw TorchFault("has \(self[operands[0]].described), expected a storage")
    }
    guard case .integer(let offset) = self[operands[1]], let shape = integers(operands[2]),
      let strides = integers(operands[3])
    else { throw TorchFault("has an offset, a shape or strides that are not integers") }
    let storage = storages[index]
    var element = storage.element
    if version == 3 {
      guard case .global(let type) = self[operands[6]], case .element(let own) = type.role else {
        throw TorchFault("has the type \(self[operands[6]].described), expected one of torch's")
      }
      element = own
    }
    guard let element else { throw TorchFault("has a storage without a type") }
    guard version != 3 || storage.element == nil else {
      throw TorchFault("has two types")
    }
    return try TorchView(
      storage, element: element, offset: offset, shape: shape, strides: strides)
  }

  /// A tensor with attributes, or of a class of its own: `(function, class, arguments, state)`.
  private mutating func subclass(
    _ operands: [PickleHandle]
  ) throws(TorchFault) -> PickleHandle {
    guard operands.count == 4, case .global(let function) = self[operands[0]],
      case .global(let type) = self[operands[1]], case .tuple(let arguments) = self[operands[2]]
    else {
      throw TorchFault("is given something else than a function, a class, arguments, a state")
    }
    guard case .tensorClass = type.role else {
      return make(.fault("is an object of '\(type.name)', expected a tensor"))
    }
    switch function.role {
    case .tensor, .parameter, .unreadable: return try call(function, arguments)
    case .dictionary, .size, .subclass, .storage, .element, .tensorClass, .bystander:
      throw TorchFault("is given '\(function.name)', expected a function that makes a tensor")
    }
  }
}
