import Diagnostics

/// The closed list of operations.
///
/// Each case wraps the struct of its file in `Ops`; a switch over this type needs no default, so
/// the compiler finds every place that a new operation must be handled.
public enum Op: Hashable, Sendable {
  case input(Input)
  case weight(Weight)
  case fill(Fill)
  case embedding(Embedding)
  case pickRow(PickRow)
  case patchEmbed(PatchEmbed)
  case extractPatches(ExtractPatches)
  case resizePositionEmbedding(ResizePositionEmbedding)
  case concatenate(Concatenate)
  case slice(Slice)
  case reshape(Reshape)
  case transpose(Transpose)
  case add(Add)
  case multiply(Multiply)
  case scale(Scale)
  case center(Center)
  case layerNorm(LayerNorm)
  case rmsNorm(RMSNorm)
  case l2Norm(L2Norm)
  case rope(Rope)
  case ropeTable(RopeTable)
  case learnedRopeTable(LearnedRopeTable)
  case deinterleave(Deinterleave)
  case differenceScale(DifferenceScale)
  case relativePositionBias(RelativePositionBias)
  case relativeBiasTable(RelativeBiasTable)
  case continuousPositionTable(ContinuousPositionTable)
  case clampedExponential(ClampedExponential)
  case relativeScores(RelativeScores)
  case relativeTable(RelativeTable)
  case windowPartition(WindowPartition)
  case windowMerge(WindowMerge)
  case batchScaleShift(BatchScaleShift)
  case linear(Linear)
  case matMul(MatMul)
  case splitHeads(SplitHeads)
  case mergeHeads(MergeHeads)
  case softmax(Softmax)
  case activation(Activation)
  case swiGLU(SwiGLU)
  case meanRows(MeanRows)
  case conv2d(Conv2d)
  case standardizeWeight(StandardizeWeight)
  case groupNorm(GroupNorm)
  case evoNorm(EvoNorm)
  case filterResponseNorm(FilterResponseNorm)
  case maxPool(MaxPool)
  case copy(Copy)
  case pack(Pack)
  case fusedLinear(FusedLinear)
  case attention(Attention)
  case attentionRow(AttentionRow)
  case rollout(Rollout)
  case distanceTable(DistanceTable)
  case attentionDistance(AttentionDistance)
  case convolution(Convolution)
  case winogradWeight(WinogradWeight)
  case moments(Moments)
  case groupScaleShift(GroupScaleShift)
  case normalize(Normalize)
  case round(Round)
  case quantize(Quantize)
  case quantizationParameters(QuantizationParameters)
  case balance(Balance)
  case hadamard(Hadamard)
  case diagonal(Diagonal)

  /// The operation's own struct.
  var definition: any OpDefinition {
    switch self {
    case .input(let op): op
    case .weight(let op): op
    case .fill(let op): op
    case .embedding(let op): op
    case .pickRow(let op): op
    case .patchEmbed(let op): op
    case .extractPatches(let op): op
    case .resizePositionEmbedding(let op): op
    case .concatenate(let op): op
    case .slice(let op): op
    case .reshape(let op): op
    case .transpose(let op): op
    case .add(let op): op
    case .multiply(let op): op
    case .scale(let op): op
    case .center(let op): op
    case .layerNorm(let op): op
    case .rmsNorm(let op): op
    case .l2Norm(let op): op
    case .rope(let op): op
    case .ropeTable(let op): op
    case .learnedRopeTable(let op): op
    case .deinterleave(let op): op
    case .differenceScale(let op): op
    case .relativePositionBias(let op): op
    case .relativeBiasTable(let op): op
    case .continuousPositionTable(let op): op
    case .clampedExponential(let op): op
    case .relativeScores(let op): op
    case .relativeTable(let op): op
    case .windowPartition(let op): op
    case .windowMerge(let op): op
    case .batchScaleShift(let op): op
    case .linear(let op): op
    case .matMul(let op): op
    case .splitHeads(let op): op
    case .mergeHeads(let op): op
    case .softmax(let op): op
    case .activation(let op): op
    case .swiGLU(let op): op
    case .meanRows(let op): op
    case .conv2d(let op): op
    case .standardizeWeight(let op): op
    case .groupNorm(let op): op
    case .evoNorm(let op): op
    case .filterResponseNorm(let op): op
    case .maxPool(let op): op
    case .copy(let op): op
    case .pack(let op): op
    case .fusedLinear(let op): op
    case .attention(let op): op
    case .attentionRow(let op): op
    case .rollout(let op): op
    case .distanceTable(let op): op
    case .attentionDistance(let op): op
    case .convolution(let op): op
    case .winogradWeight(let op): op
    case .moments(let op): op
    case .groupScaleShift(let op): op
    case .normalize(let op): op
    case .round(let op): op
    case .quantize(let op): op
    case .quantizationParameters(let op): op
    case .balance(let op): op
    case .hadamard(let op): op
    case .diagonal(let op): op
    }
  }

  /// How the text form makes each operation from its attributes.
  static let readers:
    [(
      name: String, forms: Set<Form>,
      read: @Sendable (inout Attributes) throws(Diagnostic) -> Op
    )] =
      [
        reader(Input.self, Op.input),
        reader(Weight.self, Op.weight),
        reader(Fill.self, Op.fill),
        reader(Embedding.self, Op.embedding),
        reader(PickRow.self, Op.pickRow),
        reader(PatchEmbed.self, Op.patchEmbed),
        reader(ExtractPatches.self, Op.extractPatches),
        reader(ResizePositionEmbedding.self, Op.resizePositionEmbedding),
        reader(Concatenate.self, Op.concatenate),
        reader(Slice.self, Op.slice),
        reader(Reshape.self, Op.reshape),
        reader(Transpose.self, Op.transpose),
        reader(Add.self, Op.add),
        reader(Multiply.self, Op.multiply),
        reader(Scale.self, Op.scale),
        reader(Center.self, Op.center),
        reader(LayerNorm.self, Op.layerNorm),
        reader(RMSNorm.self, Op.rmsNorm),
        reader(L2Norm.self, Op.l2Norm),
        reader(Rope.self, Op.rope),
        reader(RopeTable.self, Op.ropeTable),
        reader(LearnedRopeTable.self, Op.learnedRopeTable),
        reader(Deinterleave.self, Op.deinterleave),
        reader(DifferenceScale.self, Op.differenceScale),
        reader(RelativePositionBias.self, Op.relativePositionBias),
        reader(RelativeBiasTable.self, Op.relativeBiasTable),
        reader(ContinuousPositionTable.self, Op.continuousPositionTable),
        reader(ClampedExponential.self, Op.clampedExponential),
        reader(RelativeScores.self, Op.relativeScores),
        reader(RelativeTable.self, Op.relativeTable),
        reader(WindowPartition.self, Op.windowPartition),
        reader(WindowMerge.self, Op.windowMerge),
        reader(BatchScaleShift.self, Op.batchScaleShift),
        reader(Linear.self, Op.linear),
        reader(MatMul.self, Op.matMul),
        reader(SplitHeads.self, Op.splitHeads),
        reader(MergeHeads.self, Op.mergeHeads),
        reader(Softmax.self, Op.softmax),
        reader(Activation.self, Op.activation),
        reader(SwiGLU.self, Op.swiGLU),
        reader(MeanRows.self, Op.meanRows),
        reader(Conv2d.self, Op.conv2d),
        reader(StandardizeWeight.self, Op.standardizeWeight),
        reader(GroupNorm.self, Op.groupNorm),
        reader(EvoNorm.self, Op.evoNorm),
        reader(FilterResponseNorm.self, Op.filterResponseNorm),
        reader(MaxPool.self, Op.maxPool),
        reader(Copy.self, Op.copy),
        reader(Pack.self, Op.pack),
        reader(FusedLinear.self, Op.fusedLinear),
        reader(Attention.self, Op.attention),
        reader(AttentionRow.self, Op.attentionRow),
        reader(Rollout.self, Op.rollout),
        reader(DistanceTable.self, Op.distanceTable),
        reader(AttentionDistance.self, Op.attentionDistance),
        reader(Convolution.self, Op.convolution),
        reader(WinogradWeight.self, Op.winogradWeight),
        reader(Moments.self, Op.moments),
        reader(GroupScaleShift.self, Op.groupScaleShift),
        reader(Normalize.self, Op.normalize),
        reader(Round.self, Op.round),
        reader(Quantize.self, Op.quantize),
        reader(QuantizationParameters.self, Op.quantizationParameters),
        reader(Balance.self, Op.balance), reader(Hadamard.self, Op.hadamard),
        reader(Diagonal.self, Op.diagonal),
      ]

  private static func reader<D: OpDefinition>(
    _ type: D.Type, _ wrap: @escaping @Sendable (D) -> Op
  ) -> (
    name: String, forms: Set<Form>, read: @Sendable (inout Attributes) throws(Diagnostic) -> Op
  ) {
    (
      D.mnemonic, D.forms,
      { (attributes: inout Attributes) throws(Diagnostic) -> Op in wrap(try D(&attributes)) }
    )
  }

  /// The names of all operations in the text form.
  public static var mnemonics: [String] { readers.map(\.name) }

  /// The forms that the operation of a name may be in, in their order; `[]` for an unknown name.
  public static func forms(of mnemonic: String) -> [Form] {
    readers.first { $0.name == mnemonic }?.forms.sorted() ?? []
  }

  /// Returns the operation of a name, reading and consuming its attributes.
  ///
  /// - Throws: an unknown operation (with the nearest names), missing or wrong or unknown
  ///   attributes.
  public static func named(
    _ mnemonic: String, _ attributes: Attributes
  ) throws(Diagnostic) -> Op {
    guard let entry = readers.first(where: { $0.name == mnemonic }) else {
      throw Diagnostic(
        "unknown operation '\(mnemonic)'", hint: Suggestion.hint(for: mnemonic, in: mnemonics))
    }
    var rest = attributes
    let op = try entry.read(&rest)
    if let left = rest.names.first {
      throw Diagnostic("operation '\(mnemonic)' has no attribute '\(left)'")
    }
    return op
  }

  /// Its name in the text form.
  public var mnemonic: String { type(of: definition).mnemonic }
  /// Its attributes.
  public var attributes: Attributes { definition.attributes }
  /// `true` iff it may be in `form`.
  public func isAllowed(in form: Form) -> Bool { type(of: definition).forms.contains(form) }

  /// What it makes besides its first result, as names are made of it: `moments` for
  /// `%y, %y.moments = …`.
  public var furtherResults: [String] { definition.furtherResults }

  /// Returns the types of its results.
  ///
  /// - Throws: a wrong number of operands, an attribute that is not a finite number, the violated
  ///   constraint, or a result that is empty or too big.
  public func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType] {
    let counts = type(of: definition).operandCounts
    guard counts.contains(operands.count) else {
      let expected =
        switch (counts.lowerBound, counts.upperBound) {
        case (1, 1): "1 operand"
        case let (low, high): low == high ? "\(low) operands" : "\(low) to \(high) operands"
        }
      throw Diagnostic("[\(mnemonic)] expected \(expected), found \(operands.count)")
    }
    for name in attributes.names {
      if case .number(let value) = attributes.value(name), !value.isFinite {
        throw Diagnostic("[\(mnemonic)] attribute '\(name)' is not a finite number")
      }
    }
    let results = try definition.resultTypes(of: operands)
    for result in results where !result.isAllowed {
      throw Diagnostic(
        "[\(mnemonic)] the result would be \(result), expected extents of at least 1 and at most "
          + "\(TensorType.maximumCount) elements")
    }
    return results
  }

  /// Returns its result, the first one where there are several, by the reference semantics.
  public func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let type = try? definition.resultType(of: operands.map(\.type))
    var result = S.evaluate(AnyOpDefinition(definition: definition), operands)
    result.round(to: type?.element ?? .f32)
    return result
  }

  /// Returns all its results by the reference semantics.
  public func evaluateAll<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> [DenseTensor<S>] {
    let types = (try? definition.resultTypes(of: operands.map(\.type))) ?? []
    var results = S.evaluateAll(AnyOpDefinition(definition: definition), operands)
    for index in results.indices {
      results[index].round(to: types.indices.contains(index) ? types[index].element : .f32)
    }
    return results
  }
}
