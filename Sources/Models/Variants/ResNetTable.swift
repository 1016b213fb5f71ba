/// The ResNets of Big Transfer (BiT), which the scaling study has as well: depths of the stages,
/// times the width.
///
/// Source: Kolesnikov et al. 2019, arXiv:1912.11370, and timm 1.0.31, whose numbers the tests hold
/// them to. The study's are for images of 224 pixels; timm's names are for those of its weights.
enum ResNetTable {
  private struct Row {
    var name: String
    var depths: [Int]
    var widthFactor, image: Int
    var cropFraction: Double
    var filter: Preprocessing.Filter
    var paper: String?

    init(
      _ name: String, _ depths: [Int], _ widthFactor: Int, _ image: Int, _ cropFraction: Double,
      _ filter: Preprocessing.Filter = .bilinear, paper: String? = nil
    ) {
      self.name = name
      self.depths = depths
      self.widthFactor = widthFactor
      self.image = image
      self.cropFraction = cropFraction
      self.filter = filter
      self.paper = paper
    }

    var variant: Variant {
      let trunk = ResNetTrunk(
        .preActivation, border: .fixed, depths: depths, widthFactor: widthFactor)
      var model = ResNetConfiguration(
        name: name, family: "bit", image: image, trunk: trunk, classes: 1000)
      model.preprocessing = .timm(
        height: image, width: image, cropFraction: cropFraction, mode: .shortestEdge,
        filter: filter, mean: Preprocessing.half.0, deviation: Preprocessing.half.1)
      return Variant(name: name, paperName: paper, configuration: model)
    }
  }

  private static let r50 = [3, 4, 6, 3]
  private static let r101 = [3, 4, 23, 3]
  private static let r152 = [3, 8, 36, 3]
  private static let r200 = [3, 24, 36, 3]

  static let all: [Variant] = [
    Row("resnetv2_50x1_bit", r50, 1, 224, 0.875, .bicubic, paper: "R50x1"),
    Row("R50x2", r50, 2, 224, 0.875),
    Row("R50x3", r50, 3, 224, 0.875),
    Row("resnetv2_50x3_bit", r50, 3, 448, 1, paper: "R50x3-448"),
    Row("R101x1", r101, 1, 224, 0.875),
    Row("resnetv2_101x1_bit", r101, 1, 448, 1, paper: "R101x1-448"),
    Row("R101x3", r101, 3, 224, 0.875),
    Row("resnetv2_101x3_bit", r101, 3, 448, 1, paper: "R101x3-448"),
    Row("R152x1", r152, 1, 224, 0.875),
    Row("resnetv2_152x2_bit", r152, 2, 224, 0.875, .bicubic, paper: "R152x2"),
    Row("R152x4", r152, 4, 224, 0.875),
    Row("resnetv2_152x4_bit", r152, 4, 480, 1, paper: "R152x4-480"),
    Row("R200x3", r200, 3, 224, 0.875),
  ].map(\.variant)
}
