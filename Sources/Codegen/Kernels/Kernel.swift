/// A function of the compiled model, as a value: all that its code depends on, besides the target,
/// are its stored properties.
///
/// The value is the key under which a module keeps the function (``Builder/function(of:)``), so two
/// layers share code iff their kernels are equal; no name is written by hand that could leave out a
/// property. Two zeros of different sign are equal: a number whose sign of zero shows in results is
/// stored as an ``ExactFloat``. Parameters have names, at the definition and at each call.
protocol Kernel: Hashable, Sendable {
  /// The parameters, in the order of the function's.
  associatedtype Parameter: KernelParameter

  /// What people read in the function's symbol, before the hash of all stored properties: the
  /// operation and the extents that matter most.
  var title: String { get }

  /// Emits the body.
  func emit(_ b: Builder, _ p: Arguments<Parameter>)
}

/// A kernel that is the work of a step of the compiled model: tasks share it.
protocol StepKernel: Kernel where Parameter: StepParameter {
  /// How tasks share its work, as `emit` divides it on a target.
  func division(on target: Target) -> Division
}

/// A parameter of a kernel: a case for each, in the order of the function's.
protocol KernelParameter: Hashable, CaseIterable, Sendable {
  /// What is passed; by default an address.
  var type: ParameterType { get }
  /// `true` iff the function's code may assume that no other parameter leads to the same memory as
  /// this one, which every caller promises (`noalias`); by default it may not.
  var isUnaliased: Bool { get }
}

/// A parameter of a kernel that tasks share: `task` of `count` tasks is to be done; the others are
/// addresses.
protocol StepParameter: KernelParameter {
  static var task: Self { get }
  static var count: Self { get }
}

/// A parameter of a kernel whose tasks take their shares piece by piece (``Pieces``), so that
/// others may help a task with its own.
protocol PieceParameter: StepParameter {
  static var pieces: Self { get }
  static var spare: Self { get }
}

/// What is passed for a parameter.
enum ParameterType {
  /// An address.
  case address
  /// The address of a counter of pieces, or null.
  case counter
  /// A 64-bit integer.
  case index
  /// A 32-bit integer.
  case int32
}

extension KernelParameter {
  var type: ParameterType { .address }
  var isUnaliased: Bool { false }
}

extension StepParameter {
  var type: ParameterType { self == .task || self == .count ? .index : .address }
}

extension PieceParameter {
  var type: ParameterType {
    switch self {
    case .task, .count, .spare: .index
    case .pieces: .counter
    default: .address
    }
  }
}

/// A value for each parameter of a kernel.
///
/// A literal that leaves one out, or has one twice, stops the compiler where the call is emitted,
/// which is unconditional code: no test can miss it.
struct Arguments<Parameter: KernelParameter>: ExpressibleByDictionaryLiteral {
  private let values: [Parameter: Value]

  init(dictionaryLiteral elements: (Parameter, Value)...) {
    self.init(elements)
  }

  /// - Parameter elements: one for each parameter.
  init(_ elements: [(Parameter, Value)]) {
    values = Dictionary(elements) { _, _ in
      preconditionFailure("an argument of \(Parameter.self) is given twice")
    }
    for parameter in Parameter.allCases {
      precondition(values[parameter] != nil, "\(Parameter.self).\(parameter) is not given")
    }
  }

  /// Takes the parameters of a function, in order.
  init(inOrder values: [Value]) {
    self.init(Array(zip(Parameter.allCases, values)))
  }

  subscript(_ parameter: Parameter) -> Value {
    guard let value = values[parameter] else {
      preconditionFailure("\(Parameter.self).\(parameter) is not given")
    }
    return value
  }

  /// The values in the order of the function's parameters.
  var inOrder: [Value] { Parameter.allCases.map { self[$0] } }
}

/// The functions of a module that are defined already.
final class KernelCache {
  fileprivate var functions: [AnyHashable: Function] = [:]

  /// How many there are.
  var count: Int { functions.count }
}

extension Builder {
  /// Returns the function of a kernel, emitting it on the first call.
  func function<K: Kernel>(of kernel: K) -> Function {
    if let known = kernels.functions[kernel] { return known }
    let function = define(KernelSymbol(kernel).text, K.Parameter.self) { kernel.emit(self, $0) }
    kernels.functions[kernel] = function
    return function
  }

  /// Calls a kernel.
  func call<K: Kernel>(_ kernel: K, _ arguments: Arguments<K.Parameter>) {
    call(function(of: kernel), arguments.inOrder)
  }

  /// Defines a function with named parameters.
  func define<P: KernelParameter>(
    _ name: String, _: P.Type, exported: Bool = false, body: (Arguments<P>) -> Void
  ) -> Function {
    let parameters = Array(P.allCases)
    return define(
      name, parameters.map { type(of: $0.type) },
      noalias: Set(parameters.indices.filter { parameters[$0].isUnaliased }), exported: exported
    ) { body(Arguments(inOrder: $0)) }
  }

  private func type(of parameter: ParameterType) -> ValueType {
    switch parameter {
    case .address, .counter: pointer
    case .index: i64
    case .int32: i32
    }
  }
}
