/// A size that a preprocessing makes of photos, and the aspect that it begins at.
struct PhotoGrid: Hashable {
  let size: ImageSize
  /// Of the photos that become this size the least extreme one: its longer side over its shorter
  /// one, at least 1.
  let aspect: Double
  /// `true` iff photos of this one aspect become it and no others, such as those of exactly 19:12.
  let isExact: Bool

  init(_ size: ImageSize, aspect: Double, isExact: Bool = false) {
    self.size = size
    self.aspect = aspect
    self.isExact = isExact
  }

  /// The order of what matters most: squares, then what photos of a range of aspects become, the
  /// squarest first, then what those of one aspect do.
  var rank: (Int, Double) { (isExact && aspect > 1 ? 1 : 0, aspect) }
}

/// Which sizes photos become where a preprocessing keeps their aspect and cuts nothing off.
extension Preprocessing {
  /// `true` iff the size of an image depends on the photo.
  public var dependsOnPhoto: Bool { mode == .patches || mode == .multiples }

  /// All sizes that photos of an aspect from `1 / aspect` to `aspect` become, in the order of their
  /// rank, wide ones before high ones; empty where the size does not depend on the photo.
  ///
  /// Of photos so small that no scale is large enough (`patches`: 100) there may be others.
  func grids(aspect: Double) -> [PhotoGrid] {
    let found: [PhotoGrid]
    switch mode {
    case .patches: found = patchGrids(aspect)
    case .multiples: found = multipleGrids(aspect)
    case .none, .exact, .shortestEdge, .cover, .fit, .longestEdge, .within: return []
    }
    var merged: [ImageSize: PhotoGrid] = [:]
    for grid in found {
      let known = merged[grid.size] ?? grid
      merged[grid.size] = PhotoGrid(
        grid.size, aspect: min(known.aspect, grid.aspect), isExact: known.isExact && grid.isExact)
    }
    return merged.values.sorted { a, b in
      if a.rank != b.rank { return a.rank < b.rank }
      return (-a.size.width, a.size.height) < (-b.size.width, b.size.height)
    }
  }

  /// The grids of at most so many patches.
  ///
  /// Of a photo with the aspect `a`, width over height, whose height is `x` patches, the grid is
  /// `ceil(x)` by `ceil(a x)`, for the largest `x` at which that is not too many. It ends where the
  /// rows are one more, at `x = rows`, if `a < columns / rows`; where the columns are one more, if
  /// `a` is above; and where both are, if it is equal.
  private func patchGrids(_ aspect: Double) -> [PhotoGrid] {
    let most = resizeHeight
    let side = multiple ?? 1
    var grids: [PhotoGrid] = []
    for rows in 1...max(1, most) {
      for columns in 1...max(1, most / rows) {
        let (r, c) = (Double(rows), Double(columns))
        let size = ImageSize(height: rows * side, width: columns * side)
        var ranges: [(low: Double, high: Double, isClosed: Bool)] = []
        if (rows + 1) * columns > most { ranges.append(((c - 1) / r, c / r, false)) }
        if rows * (columns + 1) > most { ranges.append((c / r, c / (r - 1), false)) }
        if (rows + 1) * (columns + 1) > most { ranges.append((c / r, c / r, true)) }
        for range in ranges {
          let met = Self.leastExtreme(range.low, range.high)
          if range.isClosed ? met <= aspect : met < aspect {
            grids.append(PhotoGrid(size, aspect: met, isExact: range.isClosed))
          }
        }
      }
    }
    return grids
  }

  /// A photo's height becomes the nominal one and its width follows, or its width does and its
  /// height follows: by the photo's size either may be.
  private func multipleGrids(_ aspect: Double) -> [PhotoGrid] {
    let side = multiple ?? 1
    func nearest(_ extent: Double) -> Int {
      Int((extent / Double(side)).rounded(.toNearestOrEven))
    }
    var grids: [PhotoGrid] = []
    /// The numbers of units that an extent of `nominal` times something from `1 / aspect` to
    /// `aspect` is rounded to, each with its least extreme factor.
    func units(_ nominal: Int) -> [(count: Int, factor: Double)] {
      let length = Double(nominal)
      return (nearest(length / aspect)...nearest(length * aspect)).map { count in
        let half = Double(side) / 2
        let middle = Double(count * side)
        return (
          count,
          Self.leastExtreme(max(0, middle - half) / length, (middle + half) / length)
        )
      }
    }
    let (rows, columns) = (nearest(Double(resizeHeight)), nearest(Double(resizeWidth)))
    for (count, factor) in units(resizeHeight) where count > 0 {
      grids.append(
        PhotoGrid(ImageSize(height: rows * side, width: count * side), aspect: factor))
    }
    for (count, factor) in units(resizeWidth) where count > 0 {
      grids.append(
        PhotoGrid(ImageSize(height: count * side, width: columns * side), aspect: factor))
    }
    return grids.filter { $0.aspect <= aspect }
  }

  /// Of the ratios in a range the least extreme, as one of at least 1.
  private static func leastExtreme(_ low: Double, _ high: Double) -> Double {
    if low <= 1, high >= 1 { return 1 }
    return low > 1 ? low : 1 / high
  }
}
