import Codegen
import Models

extension PreprocessingInfo {
  /// The ABI's form of a model's preprocessing; without one, images are taken at their size and
  /// scaled to 0...1.
  init(_ preprocessing: Preprocessing?) {
    guard let preprocessing else {
      self.init()
      return
    }
    self.init(
      resizeMode: preprocessing.mode.rawValue, resizeWidth: preprocessing.resizeWidth,
      resizeHeight: preprocessing.resizeHeight, filter: preprocessing.filter.rawValue,
      // timm's ResizeKeepRatio, the only one that keeps the longest edge, rounds; others truncate.
      sizeRounding: preprocessing.mode == .longestEdge ? 1 : 0,
      cropRounding: preprocessing.cropRounding.rawValue,
      scale: preprocessing.scale, shift: preprocessing.shift,
      padding: preprocessing.padding.map { Float($0) })
  }
}

extension Preprocessing {
  /// One line for people, such as `shortest edge to 248 (bicubic), centre crop, mean …`.
  public var summary: String {
    let resize =
      switch mode {
      case .none: "no resize"
      case .exact: "resize to \(resizeWidth)x\(resizeHeight) (\(filter))"
      case .shortestEdge: "shortest edge to \(resizeHeight) (\(filter))"
      case .longestEdge: "longest edge to \(resizeHeight) (\(filter)), padded"
      }
    func list(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: ", ") }
    return "\(resize), centre crop, mean (\(list(mean))), deviation (\(list(deviation)))"
  }
}
