import ArgumentParser

/// `vitc golden`: what a model's outputs were, kept in a file, against what they are.
struct Golden: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Records outputs of a compiled model, and checks another against them.",
    discussion: """
      A golden is an .npz file: the array 'input' (or 'images', [n, channels, height, width]), an \
      array named for each output, such as 'logits' ([n, ...]), and perhaps the limits \
      'tolerance' and 'cosine'. One made with numpy.savez from PyTorch's outputs will do.
      """,
    subcommands: [GoldenRecord.self, GoldenCheck.self])
}
