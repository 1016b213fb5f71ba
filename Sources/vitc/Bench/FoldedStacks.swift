import Diagnostics
import JSON

/// The times of a model's steps as folded stacks: a line for each, its frames from the model to the
/// operation with semicolons between, a blank, and nanoseconds
/// (https://github.com/brendangregg/FlameGraph; inferno and speedscope read them too).
///
/// ```
/// vit_base_patch16_224;blocks.0;attn;qkv 412345
/// ```
struct FoldedStacks {
  /// The library's path.
  let library: String
  /// How many threads run the steps.
  let threads: Int
  /// How many runs are measured; `nil`: 10.
  let runs: Int?
  /// The size of the images, `HxW`; `nil`: the first.
  var size: String?

  /// Measures; returns the lines.
  func text() throws(Diagnostic) -> String {
    let model = try CompiledModel(library)
    let size = try model.size(self.size)
    let times = try TaskTimes.measure(
      library: library, tasks: threads, runs: runs ?? 10, .together, size: size
    ).flatMap(\.self)
    let report = StepReport(
      described: model.steps(size), seconds: times, threads: threads, peak: 0)
    return Self.text(
      model.description.model, report.steps.map { ($0.name, $0.ms * 1e6) })
  }

  /// The lines of steps with their nanoseconds.
  static func text(_ model: String, _ steps: [(name: String, nanoseconds: Double)]) -> String {
    steps.map { name, time in
      ([model] + frames(name)).map(frame).joined(separator: ";") + " \(Int(time.rounded()))\n"
    }.joined()
  }

  /// The parts of a name, a number joined to what it counts: `blocks.0`, `attn`, `qkv`.
  static func frames(_ name: String) -> [String] {
    var frames: [String] = []
    for part in name.split(separator: ".") {
      if let last = frames.last, part.allSatisfy(\.isNumber) {
        frames[frames.count - 1] = last + "." + part
      } else {
        frames.append(String(part))
      }
    }
    return frames
  }

  /// What a frame may hold: neither what ends it nor a blank.
  private static func frame(_ text: String) -> String {
    String(text.map { $0 == ";" || $0.isWhitespace ? "_" : $0 })
  }
}
