import CVitSystem

/// The size of an image after its resize, before the window: each rule as Python computes it, so in
/// double precision and in the same order.
struct ResizedSize {
  let width: Int
  let height: Int

  private init(_ width: Int, _ height: Int) {
    self.width = max(1, width)
    self.height = max(1, height)
  }

  /// The size that an image of `width` x `height` gets; at least 1 x 1.
  init(_ recipe: vit_preprocessing, width: Int, height: Int) {
    let (wantedWidth, wantedHeight) = (Int(recipe.resize_width), Int(recipe.resize_height))
    let (x, y) = (Double(width), Double(height))
    switch recipe.resize {
    case VIT_RESIZE_EXACT:
      self.init(wantedWidth, wantedHeight)
    case VIT_RESIZE_SHORTEST:
      self.init(
        shortest: max(1, wantedHeight), limit: Int(recipe.longest_edge), width: width,
        height: height)
    case VIT_RESIZE_COVER, VIT_RESIZE_FIT:
      let ratios = (y / Double(max(1, wantedHeight)), x / Double(max(1, wantedWidth)))
      let ratio =
        recipe.resize == VIT_RESIZE_COVER ? min(ratios.0, ratios.1) : max(ratios.0, ratios.1)
      self.init(ResizedSize.rounded(x / ratio), ResizedSize.rounded(y / ratio))
    case VIT_RESIZE_LONGEST:
      let scale = Double(max(1, wantedHeight)) / Double(max(width, height))
      self.init(Int(x * scale + 0.5), Int(y * scale + 0.5))
    case VIT_RESIZE_WITHIN:
      let scale = min(Double(wantedHeight) / y, Double(wantedWidth) / x)
      self.init(Int(x * scale), Int(y * scale))
    case VIT_RESIZE_PATCHES:
      self.init(
        patches: max(1, wantedHeight), of: max(1, Int(recipe.multiple)), width: width,
        height: height)
    case VIT_RESIZE_MULTIPLES:
      let (down, across) = (Double(wantedHeight) / y, Double(wantedWidth) / x)
      let scale = (1 - across).magnitude < (1 - down).magnitude ? across : down
      let multiple = max(1, Int(recipe.multiple))
      self.init(
        ResizedSize.rounded(scale * x / Double(multiple)) &* multiple,
        ResizedSize.rounded(scale * y / Double(multiple)) &* multiple)
    default:
      self.init(width, height)
    }
  }

  /// Whether the picture decides which size it becomes, as by the rules that round its own extents,
  /// NaFlex's and DPT's; all others make images of the first size.
  static func dependsOnPicture(_ recipe: vit_preprocessing) -> Bool {
    recipe.resize == VIT_RESIZE_PATCHES || recipe.resize == VIT_RESIZE_MULTIPLES
  }

  /// As many whole patches as the largest scale gives, at most `most` (transformers'
  /// `get_image_size_for_max_num_patches`).
  private init(patches most: Int, of patch: Int, width: Int, height: Int) {
    let precision = 1e-5
    func patches(_ extent: Int, _ scale: Double) -> Int {
      max(1, ResizedSize.up(Double(extent) * scale / Double(patch)))
    }
    var (low, high) = (precision / 10, 100.0)
    while high - low >= precision {
      let scale = (low + high) / 2
      if Double(patches(height, scale)) * Double(patches(width, scale)) <= Double(most) {
        low = scale
      } else {
        high = scale
      }
    }
    self.init(patches(width, low) &* patch, patches(height, low) &* patch)
  }

  /// The least integer that is not below `x`, which is not negative.
  private static func up(_ x: Double) -> Int {
    let down = Int(x)
    return Double(down) < x ? down &+ 1 : down
  }

  /// The shortest edge becomes `edge`; less where the other would become longer than `limit`.
  private init(shortest edge: Int, limit: Int, width: Int, height: Int) {
    let short = Double(min(width, height))
    let long = Double(max(width, height))
    guard limit > 0, long / short * Double(edge) > Double(limit) else {
      let other = Int(Double(edge) * long / short)
      self.init(width <= height ? edge : other, width <= height ? other : edge)
      return
    }
    let exact = Double(limit) * short / long
    let shortest = ResizedSize.rounded(exact)
    if Int(short) == shortest {
      self.init(width, height)
      return
    }
    let other = Int(exact * long / short)
    self.init(width < height ? shortest : other, width < height ? other : shortest)
  }

  /// Python's `round`: to the nearest, ties to the even neighbour.
  private static func rounded(_ x: Double) -> Int {
    let down = Int(x)
    let rest = x - Double(down)
    return rest > 0.5 || (rest == 0.5 && down & 1 == 1) ? down &+ 1 : down
  }
}
