import Diagnostics
import IR

/// Named tensors, read one at a time: a file, several files, or a rule.
public protocol Checkpoint: Sendable {
  /// What messages call it: a path, or `seed:N`.
  var path: String { get }
  /// The names of all tensors, sorted.
  var names: [String] { get }
  /// What the user should know of how the file was read, a line each.
  var notes: [String] { get }
  /// The type of a tensor, or `nil` if there is none of this name.
  func type(of name: String) -> StoredType?
  /// Returns a tensor's values widened or rounded to `f32`.
  ///
  /// Throws if there is no such tensor, its elements are not floating-point numbers, or the file
  /// cannot be read.
  func read(_ name: String) throws(Diagnostic) -> Tensor
  /// Returns one part of a tensor along its first axis, of which `part` must be a place.
  ///
  /// Throws as `read(_:)` does.
  func read(_ name: String, part: Int) throws(Diagnostic) -> Tensor
  /// Why a tensor that is there can be neither examined nor read; `nil` if it can.
  func fault(of name: String) -> Diagnostic?
  /// The values of a tensor of 64-bit integers; `nil` if there is none of this name and type, or
  /// the file's format keeps them where they are not read.
  func integers(_ name: String) throws(Diagnostic) -> [Int]?
}

extension Checkpoint {
  /// None: there is one way to read it.
  public var notes: [String] { [] }

  /// None: what models read is floats.
  public func integers(_ name: String) throws(Diagnostic) -> [Int]? { nil }

  /// Cuts the part out of the whole.
  public func read(_ name: String, part: Int) throws(Diagnostic) -> Tensor {
    let whole = try read(name)
    let shape = Array(whole.shape.dropFirst())
    let count = shape.reduce(1, *)
    return Tensor(shape: shape, values: Array(whole.values[part * count..<(part + 1) * count]))
  }

  /// None: the whole file was checked when it was opened.
  public func fault(of name: String) -> Diagnostic? { nil }

  /// The diagnostic for a tensor that is not there, with the nearest names.
  func missing(_ name: String) -> Diagnostic {
    Diagnostic(
      "the checkpoint has no such tensor", at: .tensor(name, file: path),
      hint: Suggestion.hint(for: name, in: names))
  }
}

/// A tensor's type as a checkpoint stores it.
public struct StoredType: Hashable, Sendable {
  /// The type of each element.
  public var element: StoredElement
  /// The extent of each dimension, outermost first; `[]` is a scalar.
  public var shape: [Int]

  /// Creates a type.
  public init(_ element: StoredElement, _ shape: [Int]) {
    self.element = element
    self.shape = shape
  }
}

extension StoredType: CustomStringConvertible {
  /// The text form, such as `BF16[768,768]`.
  public var description: String {
    "\(element.rawValue)[\(shape.map(String.init).joined(separator: ","))]"
  }
}

/// The element types that a checkpoint may hold, by the names that a safetensors header uses.
public enum StoredElement: String, Hashable, Sendable, CaseIterable {
  /// Truth values, a byte each.
  case bool = "BOOL"
  /// 8-bit unsigned integers.
  case u8 = "U8"
  /// 8-bit integers.
  case i8 = "I8"
  /// 16-bit integers.
  case i16 = "I16"
  /// 16-bit unsigned integers.
  case u16 = "U16"
  /// 32-bit integers.
  case i32 = "I32"
  /// 32-bit unsigned integers.
  case u32 = "U32"
  /// 64-bit integers.
  case i64 = "I64"
  /// 64-bit unsigned integers.
  case u64 = "U64"
  /// IEEE 754 binary16.
  case f16 = "F16"
  /// The upper half of a binary32.
  case bf16 = "BF16"
  /// IEEE 754 binary32.
  case f32 = "F32"
  /// IEEE 754 binary64.
  case f64 = "F64"
  /// Pairs of binary32.
  case c64 = "C64"
  /// 8-bit floating point, 4 exponent bits.
  case f8e4m3 = "F8_E4M3"
  /// 8-bit floating point, 5 exponent bits.
  case f8e5m2 = "F8_E5M2"
  /// 8-bit powers of two.
  case f8e8m0 = "F8_E8M0"
  /// 8-bit floating point, 4 exponent bits, no negative zero.
  case f8e4m3fnuz = "F8_E4M3FNUZ"
  /// 8-bit floating point, 5 exponent bits, no negative zero.
  case f8e5m2fnuz = "F8_E5M2FNUZ"
  /// 6-bit floating point, 2 exponent bits.
  case f6e2m3 = "F6_E2M3"
  /// 6-bit floating point, 3 exponent bits.
  case f6e3m2 = "F6_E3M2"
  /// 4-bit floating point.
  case f4 = "F4"

  /// The size of one element in bits.
  public var bits: Int {
    switch self {
    case .f4: 4
    case .f6e2m3, .f6e3m2: 6
    case .bool, .u8, .i8, .f8e4m3, .f8e5m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .i64, .u64, .f64, .c64: 64
    }
  }

  /// `true` iff `Checkpoint.read` turns it into `f32`.
  public var isReadable: Bool {
    switch self {
    case .f16, .bf16, .f32, .f64: true
    case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64, .c64, .f8e4m3, .f8e5m2, .f8e8m0,
      .f8e4m3fnuz, .f8e5m2fnuz, .f6e2m3, .f6e3m2, .f4:
      false
    }
  }
}
