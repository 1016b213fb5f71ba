import CVitABI
import Codegen
import Models

extension PreprocessingInfo {
  /// The ABI's form of how a model's images are preprocessed, or why they cannot be.
  init(_ model: any ModelConfiguration) {
    self.init(refusal: model.preprocessingRefusal)
    guard let preprocessing = model.preprocessing else { return }
    let resizeCode =
      switch preprocessing.mode {
      case .none: VIT_RESIZE_NONE
      case .exact: VIT_RESIZE_EXACT
      case .shortestEdge: VIT_RESIZE_SHORTEST
      case .cover: VIT_RESIZE_COVER
      case .fit: VIT_RESIZE_FIT
      case .longestEdge: VIT_RESIZE_LONGEST
      case .within: VIT_RESIZE_WITHIN
      case .patches: VIT_RESIZE_PATCHES
      case .multiples: VIT_RESIZE_MULTIPLES
      }
    resize = Int(resizeCode)
    (resizeWidth, resizeHeight) = (preprocessing.resizeWidth, preprocessing.resizeHeight)
    longestEdge = preprocessing.longestEdge ?? 0
    multiple = preprocessing.multiple ?? 0
    filter = preprocessing.filter.rawValue
    let arithmeticCode =
      switch preprocessing.arithmetic {
      case .bytes: VIT_RESIZE_IN_BYTES
      case .floats: VIT_RESIZE_IN_FLOATS
      }
    arithmetic = Int(arithmeticCode)
    let windowCode =
      switch preprocessing.window {
      case .centered: VIT_WINDOW_CENTERED
      case .topLeft: VIT_WINDOW_TOP_LEFT
      case .equal: VIT_WINDOW_EQUAL
      }
    window = Int(windowCode)
    cropRounding = preprocessing.cropRounding.rawValue
    isBGR = preprocessing.isBGR
    (scale, shift) = (preprocessing.scale, preprocessing.shift)
    border = preprocessing.border
    isAlphaOnWhite = preprocessing.alpha == .onWhite
  }
}

extension Preprocessing {
  /// One line for people, such as `shortest edge to 248 (bicubic), centre crop, mean …`.
  public var summary: String {
    let filter = arithmetic == .floats ? "\(filter), in floats" : "\(filter)"
    let size = "\(resizeHeight)x\(resizeWidth)"
    let resize =
      switch mode {
      case .none: "no resize"
      case .exact: "resize to \(size) (\(filter))"
      case .shortestEdge: "shortest edge to \(resizeHeight) (\(filter))"
      case .cover: "resize by one factor to cover \(size) (\(filter))"
      case .fit, .within: "resize by one factor to fit into \(size) (\(filter))"
      case .longestEdge: "longest edge to \(resizeHeight) (\(filter))"
      case .patches:
        "resize by one factor to at most \(resizeHeight) patches of \(multiple ?? 1) pixels a side "
          + "(\(filter))"
      case .multiples:
        "resize by one factor to a height of \(resizeHeight) or a width of \(resizeWidth), "
          + "whichever changes less, in multiples of \(multiple ?? 1) (\(filter))"
      }
    let limit = longestEdge.map { ", the other to at most \($0)" } ?? ""
    let after =
      switch window {
      case .centered: mode == .fit || mode == .within ? "padded around the centre" : "centre crop"
      case .topLeft: "padded at the right and the bottom"
      case .equal: "no crop"
      }
    func list(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: ", ") }
    let twice = dividesTwice ? " twice" : ""
    return "\(resize)\(limit), \(after), mean (\(list(mean))), "
      + "deviation (\(list(deviation)))\(twice)\(isBGR ? ", channels blue, green, red" : "")"
      + (alpha == .onWhite ? ", transparent pictures on white" : "")
  }
}
