/// What an array holds for a compiled model: so many images of one of its sizes.
struct ImageBatch {
  /// How many.
  let count: Int
  /// Their size, a place in the model's `sizes`.
  let size: Int
}
