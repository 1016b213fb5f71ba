extension Tensor {
  /// Calls `body` with the elements as a library stores them: of bf16 two bytes each, of 8-bit
  /// integers one, of f32 four.
  public func withStoredBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch element {
    case .bf16: values.map(BFloat16.bits).withUnsafeBytes(body)
    case .s8: values.map { Int8(exactly: $0) ?? 0 }.withUnsafeBytes(body)
    case .f32: values.withUnsafeBytes(body)
    }
  }
}
