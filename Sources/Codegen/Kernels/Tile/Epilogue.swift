import IR

/// What happens to a sum of products before it is stored, in this order.
struct Epilogue: Hashable {
  /// Multiply row m by its scale.
  var scalesRows = false
  /// Add a vector along the columns.
  var hasBias = false
  /// Apply a function.
  var activation: ActivationFunction?
  /// Add a matrix.
  var hasResidual = false
  /// Round to this type.
  var result = ElementType.f32
}
