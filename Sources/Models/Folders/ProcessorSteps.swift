import Diagnostics

/// The steps of an image processor, in its order.
///
/// Those that can ask for what vitc does not do return the reason, which goes on after the class's
/// name.
extension ProcessorFile {
  /// Resize, crop and pad.
  mutating func readGeometry() throws(Diagnostic) -> String? {
    if let reason = try readResize() { return reason }
    if let reason = try readCrop() { return reason }
    return try readPad()
  }

  /// `do_resize`, `size` and `resample`, by the rule of the class.
  private mutating func readResize() throws(Diagnostic) -> String? {
    if type.rule == .patches { return try readPatches() }
    guard try root.bool("do_resize") ?? true else { return nil }
    if let reason = try applyRule() { return reason }
    if case .longest = size, type.rule != .padded {
      return "does not resize by 'longest_edge' alone"
    }
    // What crop_pct and multiples may make of it; a limit that no resize of use comes near.
    guard (1...65536).contains(size.edges.height), (1...65536).contains(size.edges.width) else {
      return "resizes to \(size.edges.height)x\(size.edges.width)"
    }
    specification.mode = keptMultiple == nil ? size.mode : .multiples
    specification.multiple = keptMultiple
    (specification.resizeHeight, specification.resizeWidth) = size.edges
    if case .shortest(_, let limit) = size { specification.longestEdge = limit }
    if keptMultiple != nil {
      // The photo says what it becomes: the model takes that of its own size.
      specification.window = .equal
      made = image
    }
    if case .exact = size, made == nil { made = size.edges }
    return nil
  }

  /// `max_num_patches` and `patch_size`.
  private mutating func readPatches() throws(Diagnostic) -> String? {
    guard try root.bool("do_resize") ?? true else { return "has 'do_resize' off" }
    let most = try root.integer("max_num_patches") ?? type.size.edges.height
    let side = try root.integer("patch_size") ?? 16
    guard (1...65536).contains(most), (1...4096).contains(side) else {
      return "makes \(most) patches of \(side) pixels a side"
    }
    guard image.height % side == 0, image.width % side == 0 else {
      return "makes patches of \(side) pixels a side, the model's image is "
        + "\(image.height)x\(image.width)"
    }
    specification.mode = .patches
    (specification.resizeHeight, specification.resizeWidth) = (most, most)
    specification.multiple = side
    specification.window = .equal
    made = image
    return nil
  }

  /// Changes `size` as the class does before it resizes.
  private mutating func applyRule() throws(Diagnostic) -> String? {
    switch type.rule {
    case .plain, .uncropped, .efficientNet, .mobileViT, .layoutLMv2, .padded, .patches:
      return nil
    case .convNext:
      guard case .shortest(let edge, nil) = size else { return "takes 'shortest_edge' only" }
      made = (edge, edge)
      let fraction = try cropFraction() ?? 224.0 / 256
      size = edge < 384 ? .shortest(Int(Double(edge) / fraction)) : .square(edge)
    case .levit:
      if case .shortest(let edge, _) = size { size = .shortest(Int((256.0 / 224) * Double(edge))) }
    case .poolFormer:
      let fraction = try cropFraction() ?? 0.9
      switch size {
      case .shortest(let edge, _): size = .shortest(Int(Double(edge) / fraction))
      case .exact(let height, let width) where height == width:
        size = .shortest(Int(Double(height) / fraction))
      case .exact, .longest, .within, .patches: size = size.mapped { Int(Double($0) / fraction) }
      }
    case .dpt:
      let keepsAspect = try root.bool("keep_aspect_ratio") ?? false
      let pads = try root.bool("do_pad") ?? false
      if pads { return "pads images to sizes that depend on the photo" }
      let multiple = Double(try root.integer("ensure_multiple_of") ?? 1)
      guard multiple >= 1 else { return "has 'ensure_multiple_of' below 1" }
      if keepsAspect {
        if try root.bool("do_center_crop") ?? type.crops {
          return "crops images of sizes that depend on the photo"
        }
        guard case .exact = size else {
          return "keeps the aspect, and takes 'height' and 'width' only"
        }
        keptMultiple = Int(multiple)
        return nil
      }
      size = size.mapped {
        Int((Double($0) / multiple).rounded(.toNearestOrEven) * multiple)
      }
    case .floats:
      guard try root.bool("do_rescale") ?? true else { return "has 'do_rescale' off" }
      guard specification.filter == .bilinear || specification.filter == .bicubic else {
        return "resizes floats with the filter '\(specification.filter)', vitc does so bilinearly "
          + "and bicubically"
      }
      specification.arithmetic = .floats
    case .sapiens:
      if try root.bool("do_pad") ?? false {
        made = size.edges
        size = .within(height: size.edges.height, width: size.edges.width)
      }
    }
    return nil
  }

  private func cropFraction() throws(Diagnostic) -> Double? {
    guard let fraction = try root.double("crop_pct") else { return nil }
    guard fraction > 0.01, fraction < 100 else {
      throw Diagnostic("'crop_pct' is \(fraction), expected 0.01 to 100", at: .file(root.path))
    }
    return fraction
  }

  /// `do_center_crop` and `crop_size`.
  private mutating func readCrop() throws(Diagnostic) -> String? {
    let isCropped = made != nil && specification.mode != .exact
    let wanted =
      switch type.rule {
      case .uncropped, .layoutLMv2, .patches: false
      default: try root.bool("do_center_crop") ?? type.crops
      }
    guard wanted else {
      if made == nil { specification.window = .equal }
      return nil
    }
    guard let crop = try root.sides("crop_size") ?? type.crop.map({ (height: $0, width: $0) })
    else { return "has 'do_center_crop' and no 'crop_size'" }
    if isCropped, let first = made {
      // Two crops are one where the second takes the same from both sides.
      let rest = (first.height - crop.height, first.width - crop.width)
      guard rest.0 >= 0, rest.1 >= 0, rest.0 % 2 == 0, rest.1 % 2 == 0 else {
        return "crops twice, to \(first.height)x\(first.width) and to "
          + "\(crop.height)x\(crop.width)"
      }
    }
    made = crop
    return nil
  }

  /// `do_pad` and `pad_size`.
  private mutating func readPad() throws(Diagnostic) -> String? {
    guard type.rule == .padded else {
      let pads = try root.bool("do_pad") ?? false
      let isRead = type.rule == .plain || type.rule == .poolFormer
      return pads && isRead && root.value("pad_size") != nil ? "has 'pad_size'" : nil
    }
    guard try root.bool("do_pad") ?? true else { return nil }
    let target = try root.sides("pad_size") ?? type.size.edges
    guard made == nil, size.edges.height <= target.height, size.edges.width <= target.width else {
      return "crops, or resizes to more than it pads to"
    }
    specification.window = .topLeft
    specification.padding = nil
    made = target
    return nil
  }

  /// Rescaling, normalization and the order of channels.
  mutating func readValues() throws(Diagnostic) {
    switch type.rule {
    case .layoutLMv2:
      specification.rescale = 1
      specification.isBGR = true
      return
    case .mobileViT:
      specification.isBGR = try root.bool("do_flip_channel_order") ?? true
    default: break
    }
    let rescales = try root.bool("do_rescale") ?? true
    specification.rescale = rescales ? try root.double("rescale_factor") ?? type.rescale : 1
    if type.rule != .mobileViT, try root.bool("do_normalize") ?? type.normalizes {
      specification.mean = try root.channels("image_mean") ?? type.constants.0
      specification.deviation = try root.channels("image_std") ?? type.constants.1
    }
    if type.rule == .efficientNet { try readTop(rescales: rescales) }
    guard specification.isFinite else {
      throw Diagnostic(
        "'image_std' or 'rescale_factor' is zero, or too small or large for 32-bit floats",
        at: .file(root.path))
    }
  }

  /// EfficientNet's `rescale_offset` and `include_top`.
  private mutating func readTop(rescales: Bool) throws(Diagnostic) {
    if rescales, try root.bool("rescale_offset") ?? false { specification.offset = -1 }
    guard try root.bool("include_top") ?? true else { return }
    let normalizes = try root.bool("do_normalize") ?? type.normalizes
    specification.dividesTwice = normalizes
    specification.deviation = try root.channels("image_std") ?? type.constants.1
  }
}

extension ConfigurationObject {
  /// A number for each channel, or one for all.
  func channels(_ key: String) throws(Diagnostic) -> [Double]? {
    guard let value = value(key) else { return nil }
    let numbers: [Double]
    if let number = value.double {
      numbers = [number, number, number]
    } else {
      numbers = try doubles(key) ?? []
    }
    guard numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
      throw Diagnostic(
        "'\(prefix)\(key)' has \(numbers.count) numbers, expected 3", at: .file(path))
    }
    return numbers
  }
}

extension Preprocessing {
  /// `true` iff values become numbers that differ, in 32-bit floats.
  var isFinite: Bool {
    scale.allSatisfy { $0.isFinite && $0.magnitude >= .leastNormalMagnitude }
      && shift.allSatisfy(\.isFinite)
  }
}
