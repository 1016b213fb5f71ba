/// The mean distance of a head's attention: for each query among the patches two sums over the
/// keys, of the weights and of their products with the distances, and the mean of the quotients.
///
/// Tasks share the heads. Cost: two operations for each weight of a patch for a patch.
struct AttentionDistanceKernel: StepKernel {
  enum Parameter: StepParameter {
    case weights, distances, output, task, count
  }

  var heads: Int
  var tokens: Int
  /// The first patch.
  var start: Int
  /// Elements from one row of the weights to the next.
  var stride: Int
  /// Elements from one row of the distances to the next.
  var distanceStride: Int

  private var places: Int { tokens - start }

  var title: String { "attention_distance_\(heads)x\(tokens)" }

  func division(on target: Target) -> Division {
    Division(heads)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(heads), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { head, _ in
      let weights = b.element(p[.weights], b.multiply(head, b.constant(tokens * stride)))
      let sum = b.forLoop(
        from: b.constant(0), to: b.constant(places), carrying: [b.float(0)]
      ) { place, carried in
        let row = b.add(place, b.constant(start))
        let line = b.offset(
          b.element(weights, b.multiply(row, b.constant(stride))), bytes: start * 4)
        let distances = b.element(
          p[.distances], b.multiply(place, b.constant(distanceStride)))
        let sums = b.visitRow(
          columns: places, carrying: [b.floats(0, lanes), b.floats(0, lanes)]
        ) { bytes, count, sums in
          let weight = b.loadFloats(b.offset(line, bytes), lanes, count: count)
          let distance = b.loadFloats(b.offset(distances, bytes), lanes, count: count)
          return [b.addFloat(sums[0], weight), b.multiplyAdd(weight, distance, sums[1])]
        }
        let (whole, weighted) = (b.total(sums.map { $0[0] }), b.total(sums.map { $0[1] }))
        // Weights that all are on other tokens have no distance.
        let mean = b.select(
          b.lessFloat(b.float(0), whole), b.divideFloat(weighted, whole), b.float(0))
        return [b.addFloat(carried[0], mean)]
      }[0]
      b.store(
        b.divideFloat(sum, b.float(Float(places))), b.element(p[.output], head))
      return []
    }
  }
}
