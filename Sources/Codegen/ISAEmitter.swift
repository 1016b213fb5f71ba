internal import CVitABI

/// The `vit_isa` of one module: what it holds, and what a processor must have to run it.
extension Builder {
  /// The symbol, hidden, of the record of the library's instruction set at `position`, for the
  /// images of a size.
  private static func isaSymbol(_ position: Int, _ size: Int) -> String {
    size == 0 ? "vit_isa_\(position)" : "vit_isa_\(position)_size\(size)"
  }

  /// Emits the record of this module's target.
  func isa(_ position: Int, size: Int, steps: [Function], scratchBytes: Int) -> Value {
    let table = global("steps", constantArray(steps.map { asPointer($0.value) }, of: pointer))
    let requirements = target.requirements.map(feature)
    let features =
      requirements.isEmpty
      ? null
      : global("features", constantArray(requirements, of: type(of: requirements[0])))
    return global(
      Builder.isaSymbol(position, size),
      constantStruct([
        .value(text(target.name)), .wide(scratchBytes), .value(table), .value(features),
        .narrow(requirements.count), .narrow(0),
      ]), shared: true)
  }

  /// The address of the record that another module holds.
  func declareISA(_ position: Int, size: Int) -> Value {
    declareData(Builder.isaSymbol(position, size))
  }

  /// `vit_cpu_feature`.
  private func feature(_ feature: CPUFeature) -> Value {
    let place: [UInt32] =
      switch feature.source {
      case .cpuid(let leaf, let subleaf, let register):
        [UInt32(VIT_CPUID), leaf, subleaf, register]
      case .xcr0: [UInt32(VIT_XCR0), 0, 0, 0]
      case .auxiliary(let entry): [UInt32(VIT_AUXILIARY), entry, 0, 0]
      case .permission(let component): [UInt32(VIT_PERMISSION), component, 0, 0]
      }
    return constantStruct(
      [.value(text(feature.name))]
        + (place + [feature.bits, 0]).map { .narrow(Int(Int32(bitPattern: $0))) })
  }
}
