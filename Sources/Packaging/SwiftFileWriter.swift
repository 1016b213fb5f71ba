import Diagnostics

/// Writes NAME.swift: a type that loads a compiled model which is a resource of a Swift package's
/// target, and whose outputs have names.
///
/// It needs the product VitRuntime. The build plugin CompileViT adds both files to a target.
public struct SwiftFileWriter {
  private let model: ModelInterface
  private let libraryFile: String

  /// Creates a writer.
  ///
  /// - Parameter libraryFile: the name of the library's file in the bundle.
  public init(_ model: ModelInterface, libraryFile: String) {
    self.model = model
    self.libraryFile = libraryFile
  }

  /// The whole file.
  public var text: String {
    """
    // \(model.name): \(HeaderWriter.comment(model.model))\(HeaderWriter.mark)\
    \(HeaderWriter.comment(model.compilerVersion)). Written by vitc; changes will be lost.

    \(imports)

    /// The compiled model \(model.name): \(words.array) \(model.image) to \(signature).
    ///
    /// It may be used from any number of tasks at once, each with a context of its own.
    struct \(typeName): Sendable {
      \(inputShape)

      /// The outputs of some \(words.many), each [count, its shape].
      struct Outputs: Sendable {
    \(properties)
      }

      /// The memory and the threads of one run at a time; not for use from two tasks at once.
      final class Context {
        /// What it runs.
        let context: VitRuntime.VitContext

        fileprivate init(_ model: VitRuntime.VitModel) throws(VitRuntime.VitError) {
          context = try model.makeContext()
        }

        /// Runs \(words.many), \(words.shape), and returns all outputs.
        func run(
          \(words.array): [\(element)], count: Swift.Int = 1\(sizeParameter)
        ) throws(VitRuntime.VitError) -> Outputs {
          Self.outputs(
            try context.runAll(\(words.array): \(words.array), count: count\(sizeArgument)))
        }
    \(mixed)
        private static func outputs(_ all: [Swift.String: [Swift.Float]]) -> Outputs {
          var found = all
          return Outputs(
    \(arguments))
        }
      }

      /// Weights, settings, and all that VitRuntime offers.
      let model: VitRuntime.VitModel

      /// Loads the model from the resources of this target.
      init(
        options: VitRuntime.VitOptions = VitRuntime.VitOptions()
      ) throws(VitRuntime.VitError) {
        guard
          let url = Foundation.Bundle.module.url(
            forResource: \(literal(stem)), withExtension: \(literal(suffix)))
        else {
          throw VitRuntime.VitError(
            .libraryUnreadable,
            "\\(Foundation.Bundle.module.bundlePath) has no \(HeaderWriter.comment(libraryFile))")
        }
        try self.init(path: url.path, options: options)
      }

      /// Loads the model from a file.
      init(
        path: Swift.String, options: VitRuntime.VitOptions = VitRuntime.VitOptions()
      ) throws(VitRuntime.VitError) {
        model = try VitRuntime.VitModel(path: path, options: options)
      }

      /// Makes what one run at a time needs.
      func makeContext() throws(VitRuntime.VitError) -> Context { try Context(model) }
    \(tokenize)}

    """
  }

  /// What makes ids of a text, where the library does.
  private var tokenize: String {
    guard let tokenizer = model.tokenizer else { return "" }
    return """

        /// Makes of a text the ids that `Context.run` takes, as
        /// \(HeaderWriter.comment(tokenizer)) does.
        func tokenize(_ text: Swift.String) throws(VitRuntime.VitError) -> VitRuntime.VitTokens {
          try model.tokenize(text)
        }

      """
  }

  private var words: InputWords { InputWords(model) }
  private var element: String { model.tokens == nil ? "Swift.Float" : "Swift.Int32" }

  private var inputShape: String {
    guard model.tokens == nil else {
      return """
        /// How many tokens one text has.
          static let length: Swift.Int = \(model.image.first ?? 0)
        """
    }
    let shapes = model.sizes.map { "    \($0.image)," }.joined(separator: "\n")
    let sizes =
      model.furtherSizes.isEmpty
      ? ""
      : """

        /// Channels, height and width of the images of each size, of which `imageShape` is the
        /// first; a size is a place in this list.
        static let imageShapes: [[Swift.Int]] = [
      \(shapes)
        ]
      """
    return """
      /// Channels, height and width of one image.
        static let imageShape: [Swift.Int] = \(model.image)
      """ + sizes
  }

  private var sizeParameter: String { model.furtherSizes.isEmpty ? "" : ", size: Swift.Int = 0" }
  private var sizeArgument: String { model.furtherSizes.isEmpty ? "" : ", size: size" }

  /// The run of images of several sizes, where there are.
  private var mixed: String {
    guard !model.furtherSizes.isEmpty else { return "" }
    return """

          /// Runs images of any sizes, without padding, and returns the outputs of each.
          func runMixed(
            _ images: [VitRuntime.VitSizedImage]
          ) throws(VitRuntime.VitError) -> [Outputs] {
            try context.runMixed(images).map(Self.outputs)
          }

      """
  }

  private var imports: String {
    ["Foundation", "VitRuntime"].map { "import \($0)" }.joined(separator: "\n")
  }

  /// Digits for digits, VitBase for vit_base: words that begin with capitals.
  var typeName: String {
    let name = Self.words(model.name).map(Self.capitalized).joined()
    return Self.taken.contains(name) ? name + "Model" : name
  }

  private var signature: String {
    model.outputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
  }

  private var properties: String {
    model.outputs.map {
      "    /// [count, \($0.shape.map(String.init).joined(separator: ", "))]"
        + (model.furtherSizes.isEmpty ? "\n" : " of the first size\n")
        + "    var \(Self.property($0.name)): [Swift.Float]"
    }.joined(separator: "\n")
  }

  private var arguments: String {
    model.outputs.map {
      "        \(Self.property($0.name)): found.removeValue(forKey: \(literal($0.name))) ?? []"
    }.joined(separator: ",\n")
  }

  private var stem: String {
    libraryFile.hasSuffix(".so") ? String(libraryFile.dropLast(3)) : libraryFile
  }

  private var suffix: String { libraryFile.hasSuffix(".so") ? "so" : "" }

  private func literal(_ text: String) -> String {
    "\"" + HeaderWriter.comment(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      + "\""
  }

  /// The words of a C name.
  private static func words(_ name: String) -> [String] {
    name.split(separator: "_").map(String.init)
  }

  private static func capitalized(_ word: String) -> String {
    word.prefix(1).uppercased() + word.dropFirst()
  }

  /// logits for logits, attentionClass for attention_class.
  static func property(_ output: String) -> String {
    let words = words(ExportedSymbols.name(from: output))
    return (words.first ?? "output") + words.dropFirst().map(capitalized).joined()
  }

  /// What the file itself, or the language, calls otherwise.
  private static let taken: Set<String> = [
    "Any", "Self", "Type", "Protocol", "Swift", "Foundation", "VitRuntime", "Bundle", "Outputs",
    "Context", "Sendable",
  ]
}
