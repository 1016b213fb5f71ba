internal import CLLVM

/// Intel's AMX: eight tiles of up to 16 rows of 64 bytes, by their numbers.
///
/// The instructions are emitted as they are written, in order: LLVM neither chooses tiles nor saves
/// them around calls.
extension Builder {
  /// Gives tiles their shapes, which are at `configuration`, and makes them zero.
  func configureTiles(_ configuration: Value) {
    _ = callAsDeclared("llvm.x86.ldtilecfg", [configuration])
  }

  /// Takes the tiles' shapes away: the thread has none then, and the kernel keeps none for it.
  func releaseTiles() { _ = callAsDeclared("llvm.x86.tilerelease", []) }

  /// Makes a tile zero.
  func zeroTile(_ tile: Int) { _ = callAsDeclared("llvm.x86.tilezero", [number(tile)]) }

  /// Loads a tile whose first row is at `address`, with so many bytes from one row to the next.
  func loadTile(_ tile: Int, _ address: Value, strideBytes: Int) {
    _ = callAsDeclared(
      "llvm.x86.tileloadd64", [number(tile), address, constant(strideBytes)])
  }

  /// Stores a tile likewise.
  func storeTile(_ tile: Int, _ address: Value, strideBytes: Int) {
    _ = callAsDeclared(
      "llvm.x86.tilestored64", [number(tile), address, constant(strideBytes)])
  }

  /// Adds the products of a left and a right tile, by the instruction of this name, to a tile of
  /// sums.
  func multiplyTiles(_ instruction: String, sums: Int, left: Int, right: Int) {
    _ = callAsDeclared(
      "llvm.x86.\(instruction)", [number(sums), number(left), number(right)])
  }

  private func number(_ tile: Int) -> Value {
    Value(reference: LLVMConstInt(i8.reference, UInt64(tile), 0))
  }
}
