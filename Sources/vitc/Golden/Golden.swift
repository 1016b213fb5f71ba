import ArgumentParser

/// `vitc golden`: a model's outputs, recorded in a file, against what they are now.
struct Golden: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Records outputs of a compiled model, and checks compiled models against them.",
    discussion: """
      A golden is an .npz file: the array 'input' (or 'images', [n, channels, height, width]), an \
      array named for each output, such as 'logits' or 'features:unit' ([n, ...]), and optionally \
      the limits 'tolerance' and 'cosine'. numpy.savez can write one from PyTorch's outputs.
      """,
    subcommands: [GoldenRecord.self, GoldenCheck.self])
}
