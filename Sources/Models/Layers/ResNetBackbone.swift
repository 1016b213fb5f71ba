import IR

/// The convolutional part of ResNets and of the hybrids: convolutions without bias, and units of
/// them with shortcuts around.
///
/// Big Transfer's and Google's hybrids' have standardized weights, group norms and units of three
/// convolutions; timm's others have plain weights and, mostly, batch norms.
struct ResNetBackbone: Hashable, Sendable {
  /// Where units normalize.
  enum Form: String, Hashable, Sendable {
    /// Before each convolution, and after the last unit (He et al. 2016, arXiv:1603.05027): Big
    /// Transfer.
    case preActivation
    /// After each convolution, shortcuts included: the hybrids.
    case postActivation
  }

  /// How images are widened for convolutions and for the pooling.
  enum Border: String, Hashable, Sendable {
    /// By half the kernel on each side, and by zeros for the pooling: Big Transfer.
    case fixed
    /// As little as strides need, the larger half below and to the right: TensorFlow's and JAX's
    /// `SAME`. Nothing but pixels counts in the pooling.
    case same
    /// By half the kernel on each side; nothing but pixels counts in the pooling: PyTorch's.
    case symmetric
  }

  /// What norms are.
  enum Norm: Hashable, Sendable {
    /// Of groups of channels, by the image's own statistics.
    case group
    /// Of channels, by statistics that are stored.
    case batch
    /// EvoNorm-S0, which is the activation too.
    case evo
    /// Filter response norms, with a learned threshold for an activation.
    case filterResponse
  }

  /// What the image passes first.
  enum Stem: Hashable, Sendable {
    /// A convolution of 7x7 pixels.
    case plain
    /// Three convolutions of 3x3 pixels, with half the channels after the first two (ResNet-D).
    case deep
    /// The same, with three eighths of them after the first (ResNet-T).
    case tiered
  }

  /// Whose names the tensors have.
  enum Names: Hashable, Sendable {
    /// timm's class `ResNetV2`.
    case resNetV2
    /// timm's class `ResNet`, which is PyTorch's.
    case resNet
  }

  /// Where units normalize.
  var form: Form
  /// How images are widened.
  var border: Border
  /// The number of units of each stage; none: the stem alone.
  var depths: [Int]
  /// The channels after the stem.
  var stemWidth: Int
  /// The channels after each stage; about a quarter of them within its units.
  var widths: [Int]
  /// The number of groups of every group norm.
  var groups = 32
  /// What is added to the variance in every group norm.
  var groupNormEpsilon = 1e-5
  /// Where the epsilon below is added when weights are standardized.
  var standardization = Standardization.variance
  /// What keeps a filter's deviation from zero; timm's and Hugging Face's value.
  var standardizationEpsilon = 1e-8
  /// `true` iff the weights of convolutions are standardized.
  var isStandardized = true
  /// What norms are.
  var norm = Norm.group
  /// What is added to the variance in every batch norm.
  var batchNormEpsilon = 1e-5
  /// What the image passes first.
  var stemForm = Stem.plain
  /// `true` iff units are of two convolutions of 3x3 pixels.
  var isBasic = false
  /// `true` iff a shortcut with a stride averages 2x2 pixels before its convolution.
  var averagesShortcuts = false
  /// Whose names the tensors have.
  var names = Names.resNetV2

  /// Creates a backbone; the widths are those of the papers, times a factor.
  init(_ form: Form, border: Border, depths: [Int], widthFactor: Int = 1) {
    self.form = form
    self.border = border
    self.depths = depths
    stemWidth = 64 * widthFactor
    widths = depths.indices.map { (256 << $0) * widthFactor }
  }

  /// One unit: convolutions of 1x1, 3x3 and 1x1 pixels, and the shortcut around them.
  struct Unit {
    /// Its name, such as `stages.0.blocks.2`.
    var name: String
    /// Channels that it reads.
    var inputs: Int
    /// Channels of the 3x3 convolution.
    var middle: Int
    /// Channels that it makes.
    var outputs: Int
    /// Of the 3x3 convolution and of the shortcut.
    var stride: Int
    /// `true` iff a convolution of 1x1 pixels lies in the shortcut: in the first unit of a stage.
    var hasProjection: Bool
  }

  /// The units, in order.
  var units: [Unit] {
    var units: [Unit] = []
    var inputs = stemWidth
    for (stage, depth) in depths.enumerated() {
      for index in 0..<depth {
        let isFirst = index == 0
        units.append(
          Unit(
            name: names == .resNet
              ? "layer\(stage + 1).\(index)" : "stages.\(stage).blocks.\(index)",
            inputs: inputs,
            middle: isBasic ? widths[stage] : Self.middle(of: widths[stage]),
            outputs: widths[stage], stride: isFirst && stage > 0 ? 2 : 1,
            hasProjection: isFirst && (!isBasic || stage > 0 || inputs != widths[stage])))
        inputs = widths[stage]
      }
    }
    return units
  }

  /// A quarter, to the nearest multiple of 8, but no more than a tenth below it: timm's and
  /// transformers' `make_divisible`.
  private static func middle(of width: Int) -> Int {
    let quarter = Double(width) / 4
    let rounded = max(8, Int(quarter + 4) / 8 * 8)
    return Double(rounded) < 0.9 * quarter ? rounded + 8 : rounded
  }

  /// The channels of the result.
  var outputWidth: Int { widths.last ?? stemWidth }
  /// How many pixels of the image one pixel of the result covers, along each side.
  var stride: Int { depths.isEmpty ? 4 : 2 << depths.count }

  /// The extent of the result of an image of this extent: of either side.
  ///
  /// Every stride of 2 halves, the half rounded up, whatever the border.
  func outputExtent(_ extent: Int) -> Int { extent > 0 ? (extent - 1) / stride + 1 : 0 }

  /// What a layer with a kernel of this size widens an image by.
  func padding(height: Int, width: Int, size: Int, stride: Int) -> Padding {
    switch border {
    case .fixed, .symmetric: Padding(size / 2)
    case .same: .same(height: height, width: width, size: size, stride: stride)
    }
  }

  /// The name of the stem's convolution and norm, before `conv` and `norm`.
  ///
  /// timm makes a stem alone a module of its own.
  var stem: String { depths.isEmpty ? "" : "stem." }

  /// The channels of the stem's convolutions.
  var stemWidths: [Int] {
    switch stemForm {
    case .plain: [stemWidth]
    case .deep: [stemWidth / 2, stemWidth / 2, stemWidth]
    case .tiered: [3 * stemWidth / 8, stemWidth / 2, stemWidth]
    }
  }

  /// The side of the stem's kernel.
  static let stemKernel = 7

  /// The multiply-adds of its convolutions for one image; those with pixels outside count.
  func multiplyAdds(height: Int, width: Int, channels: Int) -> Int {
    var extents = (halved(height), halved(width))
    let area = stemForm == .plain ? Self.stemKernel * Self.stemKernel : 9
    var sum = 0
    for (inputs, outputs) in zip([channels] + stemWidths, stemWidths) {
      sum += extents.0 * extents.1 * inputs * outputs * area
    }
    extents = (halved(extents.0), halved(extents.1))
    for unit in units {
      let before = extents.0 * extents.1
      if unit.stride == 2 { extents = (halved(extents.0), halved(extents.1)) }
      let after = extents.0 * extents.1
      if isBasic {
        sum += 9 * after * unit.middle * (unit.inputs + unit.outputs)
      } else {
        sum += before * unit.inputs * unit.middle
        sum += after * unit.middle * (9 * unit.middle + unit.outputs)
      }
      if unit.hasProjection { sum += after * unit.inputs * unit.outputs }
    }
    return sum
  }

  private func halved(_ extent: Int) -> Int { (extent + 1) / 2 }

  /// What is wrong with the numbers, or `nil`.
  var problem: String? {
    if depths.count != widths.count {
      return "\(depths.count) depths of stages, but \(widths.count) widths"
    }
    if depths.count > 8 { return "number of stages is \(depths.count), expected up to 8" }
    for depth in depths where !(1...1024).contains(depth) {
      return "depth of a stage is \(depth), expected 1 to 1024"
    }
    if !(1...1024).contains(groups) { return "number of groups is \(groups), expected 1 to 1024" }
    for width in [stemWidth] + widths where !(1...1 << 16).contains(width) {
      return "width of a stage is \(width), expected 1 to \(1 << 16)"
    }
    for width in widths where width % 8 != 0 {
      return "width \(width) of a stage is not a multiple of 8"
    }
    for width in stemWidths where width < 1 {
      return "\(stemWidth) channels are too few for this stem"
    }
    let normed = [stemWidth] + stemWidths + widths + (isBasic ? [] : widths.map(Self.middle))
    for width in normed where (norm == .group || norm == .evo) && width % groups != 0 {
      return "\(width) channels do not divide into \(groups) groups"
    }
    for (what, epsilon) in [
      ("group norm", groupNormEpsilon), ("standardization", standardizationEpsilon),
    ] where !(0..<1).contains(epsilon) {
      return "\(what) epsilon is \(epsilon), expected 0 to 1"
    }
    return nil
  }

  /// Sets where convolutions and norms keep from dividing by zero.
  mutating func setArithmetic(
    _ standardization: Standardization, _ standardizationEpsilon: Double, groupNorm: Double
  ) {
    self.standardization = standardization
    self.standardizationEpsilon = standardizationEpsilon
    groupNormEpsilon = groupNorm
  }

  /// Why an image of this extent does not fit, or `nil`: what averages pairs takes even extents.
  func problem(extent: Int) -> String? {
    guard averagesShortcuts, depths.count > 1 else { return nil }
    let multiple = 1 << (depths.count - 1)
    let before = (extent + 3) / 4
    return before % multiple == 0
      ? nil
      : "image extent \(extent) makes \(before) pixels after the stem, which shortcuts do not "
        + "average in pairs; a multiple of \(4 * multiple) does"
  }

  /// Its arithmetic in a few words.
  var numericsSummary: String {
    switch norm {
    case .batch: "batch norm epsilon \(batchNormEpsilon)"
    case .evo: "EvoNorm epsilon \(groupNormEpsilon)"
    case .filterResponse: "filter response norm epsilon \(groupNormEpsilon)"
    case .group:
      isStandardized ? standardizedSummary : "group norm epsilon \(groupNormEpsilon)"
    }
  }

  private var standardizedSummary: String {
    "filters over \(standardization == .variance ? "sqrt(variance + " : "(deviation + ")"
      + "\(standardizationEpsilon)), group norm epsilon \(groupNormEpsilon)"
  }
}
