import IR

/// Whose arithmetic a model follows: the same weights are run with small differences by the code
/// they were trained with and by the libraries that took them over.
public enum NumericsConvention: String, Hashable, Sendable, CaseIterable {
  /// timm: GELU by erf, epsilon 1e-6, positions resized by an antialiased cubic filter.
  case timm
  /// Google's JAX code: GELU by tanh, epsilon 1e-6, positions resized linearly, corner on corner.
  case jax
  /// Hugging Face's transformers: GELU by erf, epsilon 1e-12 (1e-6 in DINOv2), positions resized by
  /// a cubic filter.
  case huggingFace = "hf"
}

extension ViTConfiguration {
  /// Returns the configuration under another convention; unchanged if it follows it already.
  ///
  /// Only what the conventions disagree on is changed: of the activations those of the GELU family
  /// but CLIP's, of the epsilons those of plain ViTs.
  public func following(_ convention: NumericsConvention) -> ViTConfiguration {
    guard convention != numerics else { return self }
    var model = self
    model.numerics = convention
    if activation == .gelu || activation == .geluTanh {
      model.activation = convention == .jax ? .geluTanh : .gelu
    }
    let isDinov2 = family.hasPrefix("dinov2")
    // CLIP has 1e-5 everywhere.
    if layerNormEpsilon < 1e-5 {
      model.layerNormEpsilon = convention == .huggingFace && !isDinov2 ? 1e-12 : 1e-6
    }
    switch convention {
    case .timm: model.positionResize = .bicubicAntialiased
    case .jax: model.positionResize = .bilinearCorners
    case .huggingFace:
      model.positionResize = isDinov2 && registerTokens > 0 ? .bicubicAntialiased : .bicubic
    }
    return model
  }

  /// The convention and what follows from it, in one line.
  public var numericsSummary: String {
    var parts = [
      "\(feedForward == .gated ? "swiglu" : activation.rawValue)",
      "layer norm epsilon \(layerNormEpsilon)",
    ]
    if grid != positionGrid { parts.append("positions resized \(positionResize.rawValue)") }
    return "\(numerics.rawValue): \(parts.joined(separator: ", "))"
  }
}
