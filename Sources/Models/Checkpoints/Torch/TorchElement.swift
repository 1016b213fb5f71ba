/// An element type of PyTorch's, by the names that a checkpoint uses.
enum TorchElement: String, Hashable, CaseIterable {
  case float32
  case float64
  case float16
  case bfloat16
  case uint8
  case int8
  case int16
  case int32
  case int64
  case uint16
  case uint32
  case uint64
  case bool
  case complex32
  case complex64
  case complex128
  case float8E4M3 = "float8_e4m3fn"
  case float8E5M2 = "float8_e5m2"
  case float8E4M3FNUZ = "float8_e4m3fnuz"
  case float8E5M2FNUZ = "float8_e5m2fnuz"
  case float8E8M0 = "float8_e8m0fnu"

  /// Its names in `torch`.
  var names: [String] {
    switch self {
    case .float32: [rawValue, "float"]
    case .float64: [rawValue, "double"]
    case .float16: [rawValue, "half"]
    case .int16: [rawValue, "short"]
    case .int32: [rawValue, "int"]
    case .int64: [rawValue, "long"]
    case .complex32: [rawValue, "chalf"]
    case .complex64: [rawValue, "cfloat"]
    case .complex128: [rawValue, "cdouble"]
    case .bfloat16, .uint8, .int8, .uint16, .uint32, .uint64, .bool, .float8E4M3, .float8E5M2,
      .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0:
      [rawValue]
    }
  }

  /// The class in `torch` whose storages hold it; newer types have none.
  var storageName: String? {
    switch self {
    case .float32: "FloatStorage"
    case .float64: "DoubleStorage"
    case .float16: "HalfStorage"
    case .bfloat16: "BFloat16Storage"
    case .uint8: "ByteStorage"
    case .int8: "CharStorage"
    case .int16: "ShortStorage"
    case .int32: "IntStorage"
    case .int64: "LongStorage"
    case .bool: "BoolStorage"
    case .complex64: "ComplexFloatStorage"
    case .complex128: "ComplexDoubleStorage"
    case .uint16, .uint32, .uint64, .complex32, .float8E4M3, .float8E5M2, .float8E4M3FNUZ,
      .float8E5M2FNUZ, .float8E8M0:
      nil
    }
  }

  /// The size of one element.
  var sizeBytes: Int {
    switch self {
    case .uint8, .int8, .bool, .float8E4M3, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float8E8M0:
      1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32, .complex32: 4
    case .float64, .int64, .uint64, .complex64: 8
    case .complex128: 16
    }
  }

  /// The same type under its name in safetensors, if it has one.
  var stored: StoredElement? {
    switch self {
    case .float32: .f32
    case .float64: .f64
    case .float16: .f16
    case .bfloat16: .bf16
    case .uint8: .u8
    case .int8: .i8
    case .int16: .i16
    case .int32: .i32
    case .int64: .i64
    case .uint16: .u16
    case .uint32: .u32
    case .uint64: .u64
    case .bool: .bool
    case .complex64: .c64
    case .complex32, .complex128: nil
    case .float8E4M3: .f8e4m3
    case .float8E5M2: .f8e5m2
    case .float8E4M3FNUZ: .f8e4m3fnuz
    case .float8E5M2FNUZ: .f8e5m2fnuz
    case .float8E8M0: .f8e8m0
    }
  }
}
