import Diagnostics

/// Folders of transformers' `…Backbone` classes, which give the feature maps of chosen stages.
enum BackboneFolder {
  /// What is compiled of such a folder, in a line; `nil` for other folders.
  ///
  /// Throws if it asks for a feature map that vitc does not compute: of another stage than the
  /// last, or without the last norm.
  static func note(
    _ root: ConfigurationObject, _ model: any Family
  ) throws(Diagnostic) -> String? {
    guard let architecture = try TransformersHead.architecture(root),
      architecture.hasSuffix("Backbone")
    else { return nil }
    func refusal(_ what: String) -> Diagnostic {
      Diagnostic(
        "\(architecture): \(what)", at: .file(root.path),
        hint: "for what the last norm gives, name the model's own class in 'architectures'")
    }
    let (last, prefix, grid, dim): (Int, Int, [Int], Int)
    if let transformer = (model as? any TransformerFamily)?.model {
      (last, prefix) = (transformer.depth, transformer.prefixTokens)
      (grid, dim) = (transformer.grid, transformer.dim)
    } else if let windowed = (model as? any WindowedFamily)?.model {
      (last, prefix, grid, dim) = (windowed.depth, 0, windowed.grid, windowed.outputDim)
    } else {
      throw refusal("its feature maps are of before the last norm, which vitc does not return")
    }
    let stages = try stages(root, last)
    guard stages == [last] else {
      let names = stages.map { $0 == 0 ? "stem" : "stage\($0)" }
      throw refusal(
        "it returns \(ShortList.text(names)), of which vitc computes the last, "
          + "'stage\(last)', only")
    }
    guard try root.bool("apply_layernorm") ?? true else {
      throw refusal("'apply_layernorm' is false, and vitc returns tokens after the last norm only")
    }
    guard try root.bool("reshape_hidden_states") ?? true else {
      return "\(architecture) returns what --outputs tokens does"
    }
    let (rows, columns) = (grid[0], grid[1])
    return "\(architecture) returns a map [\(dim), \(rows), \(columns)]: the same "
      + "numbers are in the output 'tokens', [\(rows * columns), \(dim)] after "
      + "\(prefix) tokens that are no patches"
  }

  /// The stages that are wanted; 0 is what precedes the first block.
  private static func stages(
    _ root: ConfigurationObject, _ last: Int
  ) throws(Diagnostic) -> [Int] {
    if let value = root.value("out_features") {
      guard case .array(let names) = value else {
        throw root.mistyped("out_features", value, expected: "an array of strings")
      }
      var stages: [Int] = []
      for name in names {
        guard let text = name.string, let stage = text == "stem" ? 0 : stage(text) else {
          throw root.mistyped("out_features", name, expected: "stages, such as \"stage\(last)\"")
        }
        stages.append(stage)
      }
      return stages
    }
    guard let indices = try root.integers("out_indices") else { return [last] }
    return indices.map { $0 < 0 ? last + 1 + $0 : $0 }
  }

  private static func stage(_ name: String) -> Int? {
    name.hasPrefix("stage") ? Int(name.dropFirst("stage".count)) : nil
  }
}
