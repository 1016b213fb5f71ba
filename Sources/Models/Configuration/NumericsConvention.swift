/// Whose arithmetic a model follows: the same weights are run with small differences by the code
/// they were trained with and by the libraries that took them over.
///
/// What follows from a convention is said by each family.
public enum NumericsConvention: String, Hashable, Sendable, CaseIterable {
  /// timm: GELU by erf, epsilon 1e-6, positions resized by an antialiased cubic filter; weights of
  /// convolutions standardized with 1e-8 within the root.
  case timm
  /// Google's JAX code: GELU by tanh, epsilon 1e-6, positions resized linearly, corner on corner;
  /// weights of convolutions standardized with 1e-10 within the root by Big Transfer, and with 1e-5
  /// beside it by the hybrids, whose group norms have 1e-6 instead of 1e-5.
  case jax
  /// Hugging Face's transformers: GELU by erf, epsilon 1e-12 (1e-6 in DINOv2), positions resized by
  /// a cubic filter; weights of convolutions as timm does.
  case huggingFace = "hf"
}
