import Diagnostics

/// The sizes of a model whose preprocessing goes by the photo.
public struct ChosenGrids: Sendable {
  /// The model, for images of its own size still, with the number of patches that was asked for.
  public var model: Model
  /// The sizes, that of square photos first.
  public var sizes: [ImageSize]
  /// Which photos they are for, and which are refused, in a line.
  public var note: String
}

extension Model {
  /// Finds the sizes that photos become.
  ///
  /// At most as many as asked for, of the squarest photos: all sizes up to an aspect, which the
  /// note says.
  ///
  /// - Throws: a preprocessing that makes images of one size, or is not known; a number of patches
  ///   where the checkpoint says extents.
  public func choosing(_ choice: GridChoice) throws(Diagnostic) -> ChosenGrids {
    let place = Diagnostic.Location.argument("--image-size")
    var copy = self
    guard var preprocessing = (own.map { $0.preprocessing } ?? family.facts.preprocessing) else {
      throw Diagnostic(
        "'auto' needs a preprocessing that keeps a photo's aspect: "
          + (family.preprocessingRefusal ?? "none is known"), at: place,
        hint: "list the sizes, as in 224,448x336")
    }
    guard preprocessing.dependsOnPhoto else {
      throw Diagnostic(
        "'auto' needs a preprocessing that keeps a photo's aspect, that of '\(family.name)' makes "
          + "images of one size", at: place, hint: "list the sizes, as in 224,448x336")
    }
    if let patches = choice.patches {
      guard preprocessing.mode == .patches else {
        throw Diagnostic(
          "the preprocessing of '\(family.name)' is by extents, \(preprocessing.resizeHeight)x"
            + "\(preprocessing.resizeWidth), not by a number of patches", at: place,
          hint: "leave the number out: auto, or auto,aspect<=\(choice.aspect)")
      }
      (preprocessing.resizeHeight, preprocessing.resizeWidth) = (patches, patches)
      copy.family.facts.preprocessing = preprocessing
      copy.own = OwnSize(copy.family)
    }
    let all = preprocessing.grids(aspect: choice.aspect)
    var kept = Array(all.prefix(choice.most))
    // Of photos of one aspect, lying and standing, both are there or neither is.
    while all.count > kept.count, kept.count > 1, let last = kept.last,
      last.rank == all[kept.count].rank
    {
      kept.removeLast()
    }
    guard !kept.isEmpty else {
      throw Diagnostic(
        "no photo of an aspect up to \(choice.aspect) becomes an image", at: place)
    }
    let note = Self.note(kept, of: all, choice)
    return ChosenGrids(model: copy, sizes: kept.map(\.size), note: note)
  }

  private static func greatestDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? max(1, a) : greatestDivisor(b, a % b)
  }

  /// Which photos the sizes are for.
  private static func note(
    _ kept: [PhotoGrid], of all: [PhotoGrid], _ choice: GridChoice
  ) -> String {
    let missing = all.dropFirst(kept.count)
    let reach = missing.first { !$0.isExact }?.aspect ?? choice.aspect
    let aspect = "\((reach * 1000).rounded(.down) / 1000)"
    var text =
      "\(kept.count) \(kept.count == 1 ? "size" : "sizes"), for photos of an aspect up to \(aspect)"
    let single = missing.filter { $0.isExact && $0.aspect <= reach }
    if let first = single.first {
      let sides = [first.size.height, first.size.width].sorted()
      let unit = Self.greatestDivisor(sides[1], sides[0])
      text +=
        " but for \(single.count) of one aspect each, such as \(sides[1] / unit):\(sides[0] / unit)"
    }
    text += "; others are refused"
    if !missing.isEmpty {
      text += "; sizes<=\(all.count) has all up to \(choice.aspect)"
    }
    return text
  }
}
