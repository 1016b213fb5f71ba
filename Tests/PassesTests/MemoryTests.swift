import IR
import SeededRandom
import Testing

@testable import Passes

struct MemoryTests {
  /// Whatever the pieces: those that live together are disjoint, aligned, and none is wasted on
  /// chains.
  @Test(arguments: Array(UInt64(1)...50))
  func packingKeepsNeighboursApart(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let requests = (0..<Int.random(in: 1...40, using: &random)).map { _ in
      let start = Int.random(in: 0..<30, using: &random)
      return ArenaPacking.Request(
        sizeBytes: Int.random(in: 0...5000, using: &random),
        live: start...start + Int.random(in: 0...8, using: &random))
    }
    let offsets = ArenaPacking.offsets(of: requests)
    for (i, a) in requests.enumerated() {
      #expect(offsets[i] % 64 == 0)
      for (j, b) in requests.enumerated().dropFirst(i + 1) where a.live.overlaps(b.live) {
        let isApart =
          a.sizeBytes == 0 || b.sizeBytes == 0 || offsets[i] + a.sizeBytes <= offsets[j]
          || offsets[j] + b.sizeBytes <= offsets[i]
        #expect(isApart, "\(a) at \(offsets[i]), \(b) at \(offsets[j])")
      }
    }
  }

  @Test func `a chain of equal links takes the memory of two`() {
    let requests = (0..<10).map { ArenaPacking.Request(sizeBytes: 600, live: $0...$0 + 1) }
    #expect(ArenaPacking.offsets(of: requests) == [0, 640, 0, 640, 0, 640, 0, 640, 0, 640])
  }

  @Test func `a piece takes the smallest gap that fits`() {
    // Three that live throughout leave gaps of 640 and 320 once the short ones have gone.
    let requests = [
      ArenaPacking.Request(sizeBytes: 1280, live: 0...9),
      ArenaPacking.Request(sizeBytes: 640, live: 0...4),
      ArenaPacking.Request(sizeBytes: 512, live: 0...9),
      ArenaPacking.Request(sizeBytes: 320, live: 0...4),
      ArenaPacking.Request(sizeBytes: 256, live: 0...9),
      ArenaPacking.Request(sizeBytes: 192, live: 5...9),
    ]
    let offsets = ArenaPacking.offsets(of: requests)
    #expect(offsets == [0, 1280, 1920, 2432, 2752, 2432])
  }

  @Test func `no stride is a multiple of 4 KB`() {
    for columns in 1...5000 {
      let stride = RowStride.padded(columns: columns, rows: 2)
      #expect(stride >= columns + 16 && stride % 16 == 0 && stride * 4 % 4096 != 0)
      #expect(stride <= columns + 15 + 32)
    }
    #expect(RowStride.padded(columns: 1024, rows: 1) == 1024)
    #expect(RowStride.padded(columns: 768, rows: 197) == 784)
  }

  @Test func `panels follow each other in the order of execution`() throws {
    let planned = try PassManager().run(try SmallViT().graph()).graph
    let constants = planned.constants()
    var end = 0
    for (index, node) in planned.nodes.enumerated() where !constants[index] {
      guard case .fusedLinear = node.op else { continue }
      let panels = planned[node.operands[1]]
      #expect(panels.placement == Placement(.weights, offsetBytes: end, rowStride: 32))
      end += panels.type.sizeBytes
    }
    let tables = planned.nodes.indices.filter { index in
      guard let placement = planned.nodes[index].placement, placement.space == .weights else {
        return false
      }
      if case .pack = planned.nodes[index].op { return false }
      return true
    }
    #expect(!tables.isEmpty)
    for index in tables { #expect((planned.nodes[index].placement?.offsetBytes ?? 0) >= end) }
  }

  /// The residual stream stays in one place, the MLP's hidden rows share theirs with the heads.
  @Test func `the residual stream is updated in place`() throws {
    var vit = SmallViT()
    vit.depth = 4
    let planned = try PassManager().run(try vit.graph()).graph
    var places: Set<Int> = []
    for node in planned.nodes {
      guard case .fusedLinear = node.op, let residual = node[.residual],
        planned[residual].placement?.space == .arena
      else { continue }
      #expect(node.placement == planned[residual].placement, "\(node.name)")
      places.insert(node.placement?.offsetBytes ?? -1)
    }
    #expect(places.count == 1)
    var deeper = vit
    deeper.depth = 8
    let other = try PassManager().run(try deeper.graph()).graph
    #expect(other.arenaBytes == planned.arenaBytes, "the arena does not grow with depth")
  }
}
