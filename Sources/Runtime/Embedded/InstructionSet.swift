import CVitSystem

/// The choice among the instruction sets that a model has code for, made when a model is created.
enum InstructionSet {
  /// Finds the place of the one to run, which is the same in the programs of all sizes: the one
  /// that `name` or else the environment variable `VITC_ISA` names, else the best that this
  /// processor and kernel run.
  ///
  /// - Parameter isUsed: a model is made that runs it; so registers that the kernel keeps for
  ///   processes that ask are asked for, where nothing else is missing.
  /// - Returns: `VIT_INVALID_ARGUMENT` for a name that the model has no code for,
  ///   `VIT_UNSUPPORTED_CPU` where the processor lacks something; the text says what.
  static func choose(
    _ program: UnsafePointer<vit_program>, named name: UnsafePointer<CChar>?, isUsed: Bool,
    into result: inout Int32?
  ) -> vit_status {
    if let name {
      return choose(program, named: name, by: "options.isa", isUsed, into: &result)
    }
    if let name = UnsafePointer(getenv("VITC_ISA")), name.pointee != 0 {
      return choose(program, named: name, by: "VITC_ISA", isUsed, into: &result)
    }
    result = best(program, isUsed: isUsed)
    if result != nil { return VIT_OK }
    var error = ErrorText(program)
    error.append("this processor or kernel runs none of the model's instruction sets")
    if let baseline = isa(program, 0) { explain(baseline, in: &error) }
    return VIT_UNSUPPORTED_CPU
  }

  /// The best instruction set that runs here.
  private static func best(_ program: UnsafePointer<vit_program>, isUsed: Bool) -> Int32? {
    var index = program.pointee.isa_count &- 1
    while index >= 0 {
      if let isa = isa(program, index), runs(isa, isUsed: isUsed) { return index }
      index &-= 1
    }
    return nil
  }

  /// The instruction set at an index.
  static func isa(
    _ program: UnsafePointer<vit_program>, _ index: Int32
  ) -> UnsafePointer<vit_isa>? {
    guard let isas = program.pointee.isas, index >= 0, index < program.pointee.isa_count else {
      return nil
    }
    return isas[Int(index)]
  }

  /// `true` iff this processor has all that an instruction set needs.
  private static func runs(_ isa: UnsafePointer<vit_isa>, isUsed: Bool) -> Bool {
    for index in 0..<Int(isa.pointee.feature_count)
    where !has(isa.pointee.features[index], isUsed: isUsed) {
      return false
    }
    return true
  }

  private static func has(_ feature: vit_cpu_feature, isUsed: Bool) -> Bool {
    let found =
      switch Int32(feature.source) {
      case VIT_XCR0: vit_xcr0()
      case VIT_AUXILIARY: vit_auxiliary(feature.leaf)
      case VIT_PERMISSION: isUsed ? vit_permit(feature.leaf) : vit_may_permit(feature.leaf)
      default: vit_cpuid(feature.leaf, feature.subleaf, feature.index)
      }
    return found & feature.bits == feature.bits
  }

  private static func choose(
    _ program: UnsafePointer<vit_program>, named name: UnsafePointer<CChar>, by who: StaticString,
    _ isUsed: Bool, into result: inout Int32?
  ) -> vit_status {
    for index in 0..<program.pointee.isa_count {
      guard let isa = isa(program, index), let own = isa.pointee.name, matches(name, own) else {
        continue
      }
      if runs(isa, isUsed: isUsed) {
        result = index
        return VIT_OK
      }
      var error = ErrorText(program)
      error.append("this processor or kernel does not run the instruction set that ")
      error.append(who)
      error.append(" asks for")
      explain(isa, in: &error)
      return VIT_UNSUPPORTED_CPU
    }
    var error = ErrorText(program)
    error.append(who)
    error.append(" is ")
    error.append(quoted: name)
    error.append(", expected one of the model's instruction sets: ")
    for index in 0..<program.pointee.isa_count {
      if index > 0 { error.append(", ") }
      if let own = isa(program, index)?.pointee.name { error.append(text: own) }
    }
    return VIT_INVALID_ARGUMENT
  }

  /// `true` iff `name` is an instruction set's own name or what comes after its last hyphen, such
  /// as `v3` for `x86-64-v3`.
  private static func matches(_ name: UnsafePointer<CChar>, _ own: UnsafePointer<CChar>) -> Bool {
    var short = own
    var at = own
    while at.pointee != 0 {
      if at.pointee == 0x2d { short = at + 1 }
      at += 1
    }
    return equal(name, own) || equal(name, short)
  }

  private static func equal(_ a: UnsafePointer<CChar>, _ b: UnsafePointer<CChar>) -> Bool {
    var i = 0
    while a[i] == b[i] {
      if a[i] == 0 { return true }
      i &+= 1
    }
    return false
  }

  /// Appends which features of an instruction set are missing here.
  private static func explain(_ isa: UnsafePointer<vit_isa>, in error: inout ErrorText) {
    error.append(": ")
    if let name = isa.pointee.name { error.append(text: name) }
    error.append(" needs")
    var separator: StaticString = " "
    var isComplete = true
    for index in 0..<Int(isa.pointee.feature_count) {
      let feature = isa.pointee.features[index]
      // Registers were asked for if nothing but them was missing, and are not asked for again.
      let isMissing =
        Int32(feature.source) == VIT_PERMISSION ? isComplete : !has(feature, isUsed: false)
      guard isMissing, let name = feature.name else { continue }
      error.append(separator)
      error.append(text: name)
      separator = ", "
      isComplete = false
    }
  }
}
