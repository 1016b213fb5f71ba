/// What `vitc golden check --json` prints.
struct GoldenReport: Encodable {
  /// One output.
  struct Output: Encodable {
    let name: String
    let passed: Bool
    /// The largest max|y - y0| / rms(y0) of an image.
    let error: Double
    let relativeL2: Double
    let cosine: Double
    /// Where the error is largest.
    let image: Int
    let element: Int
    let found: Float
    let expected: Float

    enum CodingKeys: String, CodingKey {
      case name, passed, error, cosine, image, element, found, expected
      case relativeL2 = "relative_l2"
    }
  }

  let library: String
  let golden: String
  let images: Int
  let tolerance: Double
  let cosine: Double
  let passed: Bool
  let outputs: [Output]

  init(
    library: String, golden: String, images: Int, limits: GoldenFile.Limits,
    measured: [(name: String, deviation: Deviation)]
  ) {
    self.library = library
    self.golden = golden
    self.images = images
    tolerance = limits.tolerance
    cosine = limits.cosine
    passed = measured.allSatisfy { $0.deviation.isWithin(limits) }
    outputs = measured.map { name, deviation in
      let place = deviation.place
      return Output(
        name: name, passed: deviation.isWithin(limits), error: deviation.error,
        relativeL2: deviation.relativeL2, cosine: deviation.cosine, image: place.image,
        element: place.element, found: place.found, expected: place.expected)
    }
  }
}
