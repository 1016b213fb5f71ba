import CVitSystem
import Synchronization

/// How many pieces of a task's share have been taken, or that none may be (`vit_frame.pieces`).
///
/// Generated code adds to it. Relaxed order is enough: what a piece reads was written before the
/// last barrier, and who reads its results passes the next one.
struct PieceCounter: ~Copyable {
  let taken = Atomic<UInt32>(VIT_PIECES_CLOSED)
}

extension UnsafeMutablePointer where Pointee == PieceCounter {
  /// Lets pieces of the next step be taken.
  func open() { pointee.taken.store(0, ordering: .relaxed) }

  /// Lets none be taken.
  ///
  /// Others may be about to claim one: whatever they add, it stays closed.
  func close() { pointee.taken.store(VIT_PIECES_CLOSED, ordering: .relaxed) }

  /// `true` iff some may be taken.
  var isOpen: Bool { pointee.taken.load(ordering: .relaxed) < VIT_PIECES_CLOSED }
}

extension UnsafeMutablePointer where Pointee == Context {
  /// How many others a task looks after when its own share is done: each look is a line of memory
  /// from another core.
  private var mostHelped: Int32 { 8 }

  /// Does a task's share of a step, then helps others of its team with theirs, until all wait for
  /// it at `meeting`.
  ///
  /// Cores differ: they share execution units with another thread, run other processes too, get
  /// other clocks, or are built for little power.
  func run(
    _ step: vit_step??, _ frame: inout vit_frame, of round: Round, task: Int32,
    meeting: Meeting? = nil
  ) {
    guard let step = step ?? nil else { return }
    let (member, size) = (round.member(task), round.size)
    guard size > 1 else { return step(&frame, member, size) }
    let own = pieceCounter(task)
    own.open()
    step(&frame, member, size)
    own.close()
    frame.spare = 1
    for distance in 1...min(size &- 1, mostHelped) {
      if let meeting, meeting.isAwaited(by: size) { break }
      let other = (member &+ distance) % size
      if pieceCounter(task &- member &+ other).isOpen { step(&frame, other, size) }
    }
    frame.spare = 0
  }

  /// Closes all counters: a run that was left has not.
  func closePieces() {
    for task in 0..<pointee.layout.crew.tasks { pieceCounter(task).close() }
  }
}
