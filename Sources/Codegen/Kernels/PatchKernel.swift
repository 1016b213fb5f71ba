/// Copies each square patch of a planar image into one row: channel, then row, then column of the
/// patch.
///
/// Tasks share the patches.
struct PatchKernel: StepKernel {
  enum Parameter: StepParameter {
    case image, output, task, count
  }

  var channels: Int
  /// The extents of the image in pixels.
  var height: Int
  var width: Int
  /// The side of a patch in pixels; what fills no patch is left out.
  var patch: Int
  /// Elements from one row of the result to the next.
  var outputStride: Int

  var title: String { "extract_patches_\(channels)x\(height)x\(width)_\(patch)" }

  func division(on target: Target) -> Division {
    Division((height / patch) * (width / patch))
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let gridWidth = b.constant(width / patch)
    let patches = b.constant((height / patch) * (width / patch))
    let (first, end) = b.share(of: patches, p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      let row = b.multiply(b.divide(index, gridWidth), b.constant(patch * width))
      let column = b.multiply(b.remainder(index, gridWidth), b.constant(patch))
      let corner = b.element(p[.image], b.add(row, column))
      let line = b.element(p[.output], b.multiply(index, b.constant(outputStride)))
      b.forLoop(from: b.constant(0), to: b.constant(channels)) { channel, _ in
        let plane = b.element(corner, b.multiply(channel, b.constant(height * width)))
        let part = b.element(line, b.multiply(channel, b.constant(patch * patch)))
        b.forLoop(from: b.constant(0), to: b.constant(patch)) { u, _ in
          let from = b.element(plane, b.multiply(u, b.constant(width)))
          let to = b.element(part, b.multiply(u, b.constant(patch)))
          for v in stride(from: 0, to: patch, by: lanes) {
            let count = min(lanes, patch - v)
            let pixels = b.loadFloats(b.offset(from, bytes: v * 4), lanes, count: count)
            b.storeFloats(pixels, b.offset(to, bytes: v * 4), count: count)
          }
          return []
        }
        return []
      }
      return []
    }
  }
}
