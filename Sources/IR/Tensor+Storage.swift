extension Tensor {
  /// Calls `body` with the elements as a library stores them: of bf16 two bytes each, of 8-bit
  /// integers one, of f32 four.
  public func withStoredBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    element.withStoredBytes(of: values, body)
  }
}
