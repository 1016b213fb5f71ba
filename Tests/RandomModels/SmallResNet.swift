import Diagnostics
import IR
import SeededRandom

/// A small residual network as the importers build it, every choice open: units before and after
/// activation, both kinds of padding, a head or tokens.
public struct SmallResNet: Sendable, CustomStringConvertible {
  /// `true` iff norm and activation precede each convolution.
  public var isPreActivation: Bool
  /// `true` iff the padding is TensorFlow's SAME.
  public var isSame: Bool
  /// The channels inside a unit.
  public var width: Int
  /// The groups of every group norm.
  public var groups: Int
  /// The number of units of each stage.
  public var units: [Int]
  /// The height of the image; it is two pixels wider.
  public var size: Int
  /// `true` iff a projection to tokens follows.
  public var hasTokens: Bool
  /// `true` iff what the last unit gives is a result too.
  public var returnsBackbone: Bool

  /// A network with every choice drawn.
  public init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    isPreActivation = Bool.random(using: &random)
    isSame = Bool.random(using: &random)
    groups = Int.random(in: 1...3, using: &random)
    width = groups * Int.random(in: 1...3, using: &random)
    units = (0..<Int.random(in: 1...2, using: &random)).map { _ in
      Int.random(in: 1...2, using: &random)
    }
    size = Int.random(in: 13...23, using: &random)
    hasTokens = Bool.random(using: &random)
    returnsBackbone = Int.random(in: 0..<4, using: &random) == 0
  }

  /// All choices, in a line.
  public var description: String {
    "pre-activation \(isPreActivation) same \(isSame) width \(width) groups \(groups) "
      + "units \(units) of \(size) tokens \(hasTokens) backbone \(returnsBackbone)"
  }

  /// Builds the imported graph.
  public func graph() throws(Diagnostic) -> Graph {
    var build = Building(net: self)
    return try build.graph()
  }
}

private struct Building {
  let net: SmallResNet
  var builder = GraphBuilder(name: "small", form: .imported)
  var height = 0
  var columns = 0

  init(net: SmallResNet) { self.net = net }

  mutating func weight(_ name: String, _ shape: [Int]) throws(Diagnostic) -> Value {
    try builder.append(.weight(Weight(tensor: name, shape: shape)), name: name)
  }

  func padding(_ kernel: Int, _ stride: Int) -> Padding {
    net.isSame
      ? .same(height: height, width: columns, size: kernel, stride: stride)
      : Padding(kernel / 2)
  }

  /// A convolution with a standardized weight; the extents follow it.
  mutating func convolution(
    _ x: Value, _ name: String, out: Int, kernel: Int = 1, stride: Int = 1, follow: Bool = true,
    isPlanar: Bool = false
  ) throws(Diagnostic) -> Value {
    let channels = isPlanar ? 3 : builder.type(x).shape[1]
    let raw = try weight("\(name).weight", [out, channels, kernel, kernel])
    let standard = try builder.append(
      .standardizeWeight(StandardizeWeight(epsilon: 1e-8)), [raw], name: "\(name).standard")
    let op = Conv2d(
      width: isPlanar ? nil : columns, stride: stride, padding: padding(kernel, stride))
    let y = try builder.append(.conv2d(op), [x, standard], name: name)
    if follow {
      let shape = isPlanar ? [3, height, columns] : [height * columns, channels]
      let windows = op.windows(of: shape, weight: [out, channels, kernel, kernel])
      (height, columns) = (windows.rows, windows.columns)
    }
    return y
  }

  mutating func norm(_ x: Value, _ name: String, relu: Bool = true) throws(Diagnostic) -> Value {
    let channels = builder.type(x).shape[1]
    let operands = [
      x, try weight("\(name).weight", [channels]), try weight("\(name).bias", [channels]),
    ]
    let y = try builder.append(
      .groupNorm(GroupNorm(groups: net.groups, epsilon: 1e-5)), operands, name: name)
    guard relu else { return y }
    return try builder.append(.activation(Activation(.relu)), [y], name: "\(name).relu")
  }

  mutating func pool(_ x: Value) throws(Diagnostic) -> Value {
    let op = MaxPool(
      width: columns, size: 3, stride: 2, padding: padding(3, 2),
      border: net.isPreActivation ? .zero : .lowest)
    let windows = op.windows(pixels: height * columns)
    (height, columns) = (windows.rows, windows.columns)
    return try builder.append(.maxPool(op), [x], name: "pool")
  }

  mutating func unit(
    _ x: Value, _ name: String, out: Int, stride: Int, projects: Bool
  ) throws(Diagnostic) -> Value {
    let input = net.isPreActivation ? try norm(x, "\(name).norm1") : x
    var shortcut = x
    if projects {
      shortcut = try convolution(
        input, "\(name).downsample", out: out, stride: stride, follow: false)
      if !net.isPreActivation {
        shortcut = try norm(shortcut, "\(name).downsample.norm", relu: false)
      }
    }
    var y = try convolution(input, "\(name).conv1", out: net.width)
    y = try norm(y, "\(name).norm2")
    y = try convolution(y, "\(name).conv2", out: net.width, kernel: 3, stride: stride)
    y = try norm(y, "\(name).norm3")
    y = try convolution(y, "\(name).conv3", out: out)
    if !net.isPreActivation { y = try norm(y, "\(name).norm4", relu: false) }
    y = try builder.append(.add(Add()), [y, shortcut], name: "\(name).sum")
    return net.isPreActivation
      ? y : try builder.append(.activation(Activation(.relu)), [y], name: "\(name).relu")
  }

  mutating func graph() throws(Diagnostic) -> Graph {
    (height, columns) = (net.size, net.size + 2)
    let image = try builder.append(
      .input(Input(type: .f32(3, height, columns))), name: "image")
    var x = try convolution(image, "stem", out: net.width, kernel: 7, stride: 2, isPlanar: true)
    if !net.isPreActivation { x = try norm(x, "stem.norm") }
    x = try pool(x)
    for (stage, count) in net.units.enumerated() {
      for index in 0..<count {
        x = try unit(
          x, "stages.\(stage).\(index)", out: 2 * net.width,
          stride: stage > 0 && index == 0 ? 2 : 1, projects: index == 0)
      }
    }
    if net.returnsBackbone { builder.addOutput("backbone", x) }
    if net.isPreActivation { x = try norm(x, "norm") }
    if net.hasTokens {
      let kernel = try weight("proj.weight", [5, 2 * net.width, 1, 1])
      x = try builder.append(
        .conv2d(Conv2d(width: columns)), [x, kernel, try weight("proj.bias", [5])], name: "proj")
      builder.addOutput("tokens", x)
    }
    let mean = try builder.append(.meanRows(MeanRows()), [x], name: "mean")
    builder.addOutput("features", mean)
    return builder.graph
  }
}
