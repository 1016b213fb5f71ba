import Files

/// Commands that make a PyTorch file readable, for hints; each is one line for a shell.
///
/// They rest on Python's arguments rather than on names in the program, so that any path will do.
enum TorchCommand {
  /// Saves a file again in place, as the zip archive that torch.save writes since version 1.6.
  ///
  /// With `weights_only` torch runs no code of it either.
  static func rewriting(_ path: String) -> String {
    "save it again as a zip archive: python3 -c \"import os, sys, torch; f = sys.argv[1]; "
      + "torch.save(torch.load(f, map_location='cpu', weights_only=True), f + '.new'); "
      + "os.replace(f + '.new', f)\" \(quoted(path))"
  }

  /// Saves the weights of a TorchScript program beside it.
  static func weights(ofProgram path: String) -> String {
    "save its weights alone: python3 -c \"import sys, torch; "
      + "torch.save(torch.jit.load(sys.argv[1], map_location='cpu').state_dict(), sys.argv[2])\" "
      + "\(quoted(path)) \(quoted(beside(path, "weights")))"
  }

  /// Saves the tensors of a file beside it, without the objects around them.
  static func tensorsAlone(of path: String) -> String {
    "if you trust the file, save its tensors alone where its classes are installed: "
      + "python3 -c \"import sys, torch; "
      + "d = torch.load(sys.argv[1], map_location='cpu', weights_only=False); "
      + "d = d.state_dict() if isinstance(d, torch.nn.Module) else d; "
      + "t = lambda v: {k: t(x) for k, x in v.items() if isinstance(x, (dict, torch.Tensor))} "
      + "if isinstance(v, dict) else v; torch.save(t(d), sys.argv[2])\" "
      + "\(quoted(path)) \(quoted(beside(path, "tensors")))"
  }

  /// `folder/name.pth` as `folder/name.WHAT.pth`.
  private static func beside(_ path: String, _ what: String) -> String {
    let stem = Path.withoutSuffix(path)
    return "\(stem).\(what).pth"
  }

  /// A path as one word of a shell.
  private static func quoted(_ path: String) -> String {
    let plain = path.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "+")...UInt8(ascii: ":")).contains(byte) || byte == UInt8(ascii: "_")
    }
    return plain && !path.hasPrefix("-")
      ? path : "'\(path.replacing("'", with: "'\\''"))'"
  }
}
