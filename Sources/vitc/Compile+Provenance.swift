import CVersion
import Compiler
import Files
import JSON
import Passes

extension Compile {
  /// The options that decide what is computed, as a file `NAME.vit.json` would say them: what
  /// stands at its default is left out, and so is what names a file, whose digest says more.
  var recordedOptions: [String: JSONValue] {
    var options: [String: JSONValue] = [:]
    func add(_ name: String, _ value: String?) { options[name] = value.map { .string($0) } }
    func add(_ name: String, _ value: Int?) { options[name] = value.map { .integer($0) } }
    func add(_ name: String, _ value: Double?) { options[name] = value.map { .number($0) } }
    func add(_ name: String, _ values: [String]) {
      if !values.isEmpty { options[name] = .array(values.map { .string($0) }) }
    }
    if let weights, Path.kind(of: weights) == nil { add("weights", weights) }
    add("tower", tower?.rawValue)
    add("text-length", textLength)
    add("image-size", imageSize)
    add("num-classes", numClasses)
    add("head", heads.head)
    add("fit-features", heads.fitFeatures?.rawValue)
    add("fit-shots", heads.fitShots)
    // No number of JSON holds every seed.
    add("fit-seed", heads.fitSeed.map(String.init))
    add("fit-l2", heads.fitL2)
    add("prompt", heads.prompt)
    add("numerics", numerics?.rawValue)
    add("scores", scores?.rawValue)
    add("ignore", ignore)
    add("outputs", outputs)
    if precision != .f32 { add("precision", precision.rawValue) }
    add("attention", attention?.rawValue)
    if !fastMatmul { options["no-fast-matmul"] = .bool(true) }
    add("keep", keep)
    add("max-error", maxError)
    if debugging.rewrites != nil { add("rewrites", debugging.rewrites) }
    return options
  }

  /// The files of ``CompileRequest/textClasses`` and ``CompileRequest/calibrationTexts``.
  var textFiles: [(role: SourceFile.Role, path: String)] {
    [
      (.classes, heads.classes), (.textVectors, heads.textVectors),
      (.calibrate, tower == nil ? nil : calibrate),
    ].compactMap { role, path in path.map { (role, $0) } }
  }

  /// The commit that vitc was built from; `nil` where the build was not told.
  static var commit: String? { vitc_commit().map { String(cString: $0) } }
}
