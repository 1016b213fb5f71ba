#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What `vitc compare` found.
struct Comparison: Encodable {
  /// One image's deviation.
  struct Case: Encodable {
    let image: String
    /// ‖y - y0‖ / ‖y0‖.
    let relativeError: Double
    let cosine: Double

    enum CodingKeys: String, CodingKey {
      case image, cosine
      case relativeError = "relative_error"
    }
  }

  /// One output's deviation over all images.
  struct Output: Encodable {
    let name: String
    /// Of the images' relative errors: the geometric mean, which one bad image does not decide, and
    /// the largest.
    let relativeError: Double
    let worstRelativeError: Double
    /// Of the images' cosines: the mean and the smallest.
    let cosine: Double
    let worstCosine: Double
    /// The part of the images with the same best class; absent where there are no classes.
    let agreement: Double?
    /// The worst images, the worst first.
    let worst: [Case]

    enum CodingKeys: String, CodingKey {
      case name, cosine, agreement, worst
      case relativeError = "relative_error"
      case worstRelativeError = "worst_relative_error"
      case worstCosine = "worst_cosine"
    }
  }

  let images: Int
  let outputs: [Output]
  /// `true` iff the images are texts.
  var readsTexts = false

  private enum CodingKeys: String, CodingKey { case images, outputs }

  /// The report for people.
  var text: String {
    var table = TextTable([
      ("output", .left), ("error", .right), ("worst", .right), ("cosine", .right),
      ("worst", .right), ("same class", .right),
    ])
    for output in outputs {
      table.add([
        output.name, Format.fixed(output.relativeError, 6),
        Format.fixed(output.worstRelativeError, 6), Format.fixed(output.cosine, 6),
        Format.fixed(output.worstCosine, 6), output.agreement.map { Format.percent($0) } ?? "",
      ])
    }
    var text =
      "\(images) \(readsTexts ? "text" : "image")\(images == 1 ? "" : "s")\n\n" + table.text()
    for output in outputs where !output.worst.isEmpty {
      var list = TextTable([.left, .right, .right])
      for item in output.worst {
        list.add([
          item.image, Format.fixed(item.relativeError, 6), Format.fixed(item.cosine, 6),
        ])
      }
      text += "\n\(output.name), the worst first\n" + list.text(indentation: 2)
    }
    return text
  }
}

extension Comparison.Output {
  /// Measures `found` against `truth`, an equal number of values for each image.
  init(name: String, truth: [Float], found: [Float], images: [String], listed: Int) {
    let size = truth.count / images.count
    var cases: [Comparison.Case] = []
    var agreeing = 0
    for (index, image) in images.enumerated() {
      let range = index * size..<(index + 1) * size
      let (y0, y) = (Array(truth[range]), Array(found[range]))
      let deviation = Deviation(found: y, expected: y0, count: 1)
      cases.append(
        Comparison.Case(
          image: image, relativeError: deviation.relativeL2, cosine: deviation.cosine))
      if Self.best(y) == Self.best(y0) { agreeing += 1 }
    }
    let count = Double(images.count)
    // Equal results have no logarithm: they count as far below the last place of a float.
    let logarithms = cases.map { log(max($0.relativeError, 1e-12)) }
    let mean = exp(logarithms.reduce(0, +) / count)
    let isEqual = cases.allSatisfy { $0.relativeError == 0 }
    self.init(
      name: name, relativeError: isEqual ? 0 : mean,
      worstRelativeError: cases.map(\.relativeError).max() ?? 0,
      cosine: cases.map(\.cosine).reduce(0, +) / count,
      worstCosine: cases.map(\.cosine).min() ?? 1,
      agreement: name == "logits" ? Double(agreeing) / count : nil,
      worst: Array(cases.sorted { $0.relativeError > $1.relativeError }.prefix(listed)))
  }

  /// The position of the largest value.
  private static func best(_ values: [Float]) -> Int? {
    values.indices.max { values[$0] < values[$1] }
  }
}
