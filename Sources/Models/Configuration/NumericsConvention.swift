import IR

/// Whose arithmetic a model follows: the same weights are run with small differences by the code
/// they were trained with and by the libraries that took them over.
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

extension ViTConfiguration {
  /// Only what the conventions disagree on is changed: of the activations those of the GELU family
  /// but CLIP's, of the epsilons those of plain ViTs.
  public func following(_ convention: NumericsConvention) -> ViTConfiguration {
    guard convention != numerics else { return self }
    var model = self
    model.numerics = convention
    model.trunk = trunk?.following(convention)
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
    if let trunk { parts.append(trunk.numericsSummary) }
    if grid != positionGrid { parts.append("positions resized \(positionResize.rawValue)") }
    return "\(numerics.rawValue): \(parts.joined(separator: ", "))"
  }
}

extension ResNetConfiguration {
  /// Returns the configuration under another convention; unchanged if it follows it already.
  public func following(_ convention: NumericsConvention) -> ResNetConfiguration {
    guard convention != numerics else { return self }
    var model = self
    model.numerics = convention
    model.trunk = trunk.following(convention)
    return model
  }

  /// The convention and what follows from it, in one line.
  public var numericsSummary: String { "\(numerics.rawValue): \(trunk.numericsSummary)" }
}

extension ResNetTrunk {
  /// Returns the trunk under a convention; big_vision's Big Transfer and
  /// google-research/vision_transformer's hybrids differ from each other.
  fileprivate func following(_ convention: NumericsConvention) -> ResNetTrunk {
    var trunk = self
    switch (convention, form) {
    case (.timm, _), (.huggingFace, _):
      trunk.standardization = .variance
      trunk.standardizationEpsilon = 1e-8
      trunk.groupNormEpsilon = 1e-5
    case (.jax, .preActivation):
      trunk.standardization = .variance
      trunk.standardizationEpsilon = 1e-10
      trunk.groupNormEpsilon = 1e-5
    case (.jax, .postActivation):
      trunk.standardization = .deviation
      trunk.standardizationEpsilon = 1e-5
      trunk.groupNormEpsilon = 1e-6
    }
    return trunk
  }

  fileprivate var numericsSummary: String {
    "filters over \(standardization == .variance ? "sqrt(variance + " : "(deviation + ")"
      + "\(standardizationEpsilon)), group norm epsilon \(groupNormEpsilon)"
  }
}
