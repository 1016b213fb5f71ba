/// Copies each square patch of a planar image into one row: channel, then row, then column of the
/// patch.
struct PatchKernel: Hashable {
  var channels: Int
  /// The extents of the image in pixels.
  var height: Int
  var width: Int
  /// The side of a patch in pixels; what fills no patch is left out.
  var patch: Int
  /// Elements from one row of the result to the next.
  var outputStride: Int

  /// Returns the function `(image, output, task, count) -> void`: tasks share the patches.
  func function(_ b: Builder) -> Function {
    let name =
      "extract_patches_f32_\(channels)x\(height)x\(width)_patch\(patch)_stride\(outputStride)"
    return b.define(name, [b.pointer, b.pointer, b.i64, b.i64]) { arguments in
      let lanes = b.target.lanes
      let gridWidth = b.constant(width / patch)
      let patches = b.constant((height / patch) * (width / patch))
      let (first, end) = b.share(of: patches, arguments[2], of: arguments[3])
      b.forLoop(from: first, to: end) { index, _ in
        let row = b.multiply(b.divide(index, gridWidth), b.constant(patch * width))
        let column = b.multiply(b.remainder(index, gridWidth), b.constant(patch))
        let corner = b.element(arguments[0], b.add(row, column))
        let line = b.element(arguments[1], b.multiply(index, b.constant(outputStride)))
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
}
