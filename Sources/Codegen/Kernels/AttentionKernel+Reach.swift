extension AttentionKernel {
  /// Emits `body` for the attention that reads as many tokens as rows up to `end` see.
  ///
  /// Of a causal one these are whole panels, and at most eight numbers, as there is code for each.
  func eachReach(_ b: Builder, upTo end: Value, _ body: (AttentionKernel) -> Void) {
    guard isCausal, blocks == 1 else { return body(self) }
    let step = (paddedTokens / Tile.panelWidth + 7) / 8 * Tile.panelWidth
    let steps = b.divide(b.add(end, b.constant(step - 1)), b.constant(step))
    let seen = b.minimum(b.multiply(steps, b.constant(step)), b.constant(tokens))
    b.choose(seen, among: stride(from: step, to: tokens, by: step) + [tokens]) { reach in
      var part = self
      if reach < tokens { part.reach = reach }
      body(part)
    }
  }
}
