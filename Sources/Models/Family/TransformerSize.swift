/// The dimensions of a backbone.
struct TransformerSize {
  var dim, depth, heads, mlpHidden: Int

  init(_ dim: Int, _ depth: Int, _ heads: Int, _ mlpHidden: Int) {
    (self.dim, self.depth, self.heads, self.mlpHidden) = (dim, depth, heads, mlpHidden)
  }

  static let test = TransformerSize(64, 6, 2, 192)
  static let test8 = TransformerSize(64, 8, 2, 192)
  static let tiny = TransformerSize(192, 12, 3, 768)
  static let xsmall = TransformerSize(256, 10, 4, 1024)
  static let wee = TransformerSize(256, 14, 4, 1280)
  static let little = TransformerSize(320, 14, 5, 1792)
  static let small = TransformerSize(384, 12, 6, 1536)
  static let small36 = TransformerSize(384, 36, 6, 1536)
  static let medium = TransformerSize(512, 12, 8, 2048)
  static let mediumDeep = TransformerSize(512, 20, 8, 2048)
  static let betwixt = TransformerSize(640, 12, 10, 2560)
  static let base = TransformerSize(768, 12, 12, 3072)
  static let base16Heads = TransformerSize(768, 12, 16, 3072)
  static let so150m2 = TransformerSize(832, 21, 13, 2176)
  static let plus = TransformerSize(896, 12, 14, 3584)
  static let so150m = TransformerSize(896, 18, 14, 2304)
  static let large = TransformerSize(1024, 24, 16, 4096)
  static let so400m = TransformerSize(1152, 27, 16, 4304)
  static let huge = TransformerSize(1280, 32, 16, 5120)
  static let huge20Heads = TransformerSize(1280, 32, 20, 5120)
  static let giant = TransformerSize(1408, 40, 16, 6144)
  static let giantOptimal = TransformerSize(1536, 40, 16, 6144)
  static let giantGated = TransformerSize(1536, 40, 24, 4096)
  static let sevenBillion = TransformerSize(4096, 40, 32, 8192)
  static let gigantic = TransformerSize(1664, 48, 16, 8192)
}
