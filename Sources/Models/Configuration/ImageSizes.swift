import Diagnostics

/// Height and width of a model's images.
public struct ImageSize: Hashable, Sendable, CustomStringConvertible {
  /// In pixels.
  public var height: Int
  /// In pixels.
  public var width: Int

  /// Creates a size.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// `HxW`.
  public var description: String { "\(height)x\(width)" }
}

/// What sizes a compiled model takes.
public enum ImageSizes: Hashable, Sendable {
  /// The model's own.
  case own
  /// These, the first of which is that of the plain functions.
  case listed([ImageSize])
  /// Those that the model's preprocessing makes of photos.
  case grids(GridChoice)
}

/// Which of the sizes that a preprocessing makes of photos are meant.
public struct GridChoice: Hashable, Sendable {
  /// The most patches of an image, where that is not for the checkpoint to say.
  public var patches: Int?
  /// The longer side of photos over the shorter one, at most; at least 1.
  public var aspect: Double
  /// The most sizes.
  public var most: Int

  /// Half or twice as wide as high.
  public static let defaultAspect = 2.0
  /// More sizes take longer to compile than most users expect.
  public static let defaultMost = 16

  /// Creates a choice.
  public init(
    patches: Int? = nil, aspect: Double = defaultAspect, most: Int = defaultMost
  ) {
    self.patches = patches
    self.aspect = aspect
    self.most = most
  }
}

extension ImageSizes {
  /// Reads what `--image-size` says: sizes `N` or `HxW`, separated by commas, or
  /// `auto[:PATCHES][,aspect<=A][,sizes<=N]`.
  ///
  /// - Throws: another text, at `--image-size`.
  public init(parsing text: String) throws(Diagnostic) {
    let parts = text.lowercased().split(separator: ",", omittingEmptySubsequences: false)
      .map(String.init)
    guard let first = parts.first, first == "auto" || first.hasPrefix("auto:") else {
      var sizes: [ImageSize] = []
      for part in parts {
        let size = try Self.size(part)
        if sizes.contains(size) {
          throw Diagnostic("\(size) is named twice", at: .argument("--image-size"))
        }
        sizes.append(size)
      }
      self = .listed(sizes)
      return
    }
    var choice = GridChoice()
    if first.hasPrefix("auto:") {
      guard let count = Int(first.dropFirst(5)), (1...65536).contains(count) else {
        throw Self.fault(text)
      }
      choice.patches = count
    }
    for part in parts.dropFirst() {
      if part.hasPrefix("aspect<="), let aspect = Double(part.dropFirst(8)), aspect >= 1,
        aspect <= 1000
      {
        choice.aspect = aspect
      } else if part.hasPrefix("sizes<="), let most = Int(part.dropFirst(7)),
        (1...1024).contains(most)
      {
        choice.most = most
      } else {
        throw Self.fault(text)
      }
    }
    self = .grids(choice)
  }

  /// Height and width, of `N` or `HxW`.
  ///
  /// - Throws: another text, at `--image-size`.
  public static func size(_ text: String) throws(Diagnostic) -> ImageSize {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, (1...2).contains(numbers.count) else {
      throw Diagnostic(
        "invalid value '\(text)', expected N or HxW", at: .argument("--image-size"),
        hint: "for example 384, or 384x224 for height 384 and width 224")
    }
    return ImageSize(height: numbers[0], width: numbers[numbers.count - 1])
  }

  private static func fault(_ text: String) -> Diagnostic {
    Diagnostic(
      "invalid value '\(text)', expected auto[:PATCHES][,aspect<=A][,sizes<=N]",
      at: .argument("--image-size"), hint: "for example auto:256, or auto:256,aspect<=3")
  }
}
