import Codegen
import Diagnostics
import IR
import JSON
import Models
import Passes

/// What a compiled model says of itself beyond the fields of its description: the JSON that
/// `vit_description.json` points to.
struct ModelMetadata: Encodable {
  /// The precision that matrices are multiplied in, with the part of the work that each has; sums,
  /// norms, softmax and residuals are f32.
  var precision: String
  /// Whose arithmetic it follows, and what that means.
  var numerics: String
  /// How images are preprocessed; absent where they cannot be.
  var preprocessing: Preprocessing?
  /// Why images cannot be preprocessed; absent where they can.
  var preprocessingRefusal: String?
  /// What makes scores of the logits; absent where there are none.
  var scores: ScoreFunction?
  /// What the logits are: "classes", or "embedding" for the projection of a model that was trained
  /// with texts; absent where there are none.
  var logits: String?
  /// The names of the classes; empty where nothing is known, and of a size after the first, which
  /// has those of the first.
  var labels: [String]
  /// The passes that changed the graph, in order.
  var passes: [String]
  /// What a run executes, in order.
  var steps: [Step]
  /// The number of threads beyond which an image hardly gets faster.
  var profitableThreads: Int
  /// Of the model: depth, width and so on, as its family has them.
  var architecture: [String: Int]

  /// What a text tower reads, and how its vectors are compared with those of images; absent for
  /// images.
  var textTower: TextTower?

  /// What the model was made of, and by what; absent in texts of code.
  var provenance: Provenance?

  /// What a text tower reads.
  struct TextTower: Encodable {
    /// The tokens of one text.
    var length: Int
    /// Tokens are below this.
    var vocabulary: Int
    /// The token without which a text has no vector; absent where there is none.
    var endOfText: Int?
    /// What the cosine of normalized vectors is multiplied by; absent where it is not known.
    var scale: Double?
    /// What is added.
    var bias: Double?
    /// What makes scores of the sum: softmax or sigmoid.
    var scores: ScoreFunction?
    /// The tokenizer that the library holds; absent where there is none.
    var tokenizer: Tokenizer?
  }

  /// A tokenizer inside a library.
  struct Tokenizer: Encodable {
    /// The class whose ids it makes, such as `CLIPTokenizer`.
    var name: String
    /// The size of its table: pieces, merges, and what it needs of Unicode's tables.
    var bytes: Int
  }

  /// One step of a run.
  struct Step: Encodable {
    /// The node's name, such as `blocks.0.attn.qkv`.
    var name: String
    /// The operation.
    var op: String
    /// Floating-point operations of one image, 2 for each multiply-add of a matmul.
    var flops: Int
    /// Of the packed weights that it reads, in bytes; absent where it reads none.
    var weightBytes: Int?
    /// What matrices are multiplied in; absent where none are.
    var precision: String?
  }

  init(
    _ loaded: Model, _ report: PassManager.Report, _ graph: Graph, _ provenance: Provenance?
  ) throws(Diagnostic) {
    profitableThreads = try CodeGenerator.profitableThreads(of: graph)
    let logits = graph.outputs.contains { ["logits", "logits_f16"].contains($0.name) }
    self.provenance = provenance
    let model = loaded.configuration
    steps = CodeGenerator.steps(of: graph).map { node in
      Step(
        name: node.name, op: node.op.mnemonic, flops: graph.flops(of: node),
        weightBytes: graph.facts(of: node).work?.panels.map {
          graph[node.operands[$0]].type.sizeBytes
        },
        precision: graph.precision(of: node)?.rawValue)
    }
    precision = graph.precisionSummary
    preprocessing = model.preprocessing
    preprocessingRefusal = model.preprocessingRefusal
    numerics = model.numericsSummary
    scores = logits ? model.scoreFunction : nil
    self.logits = logits ? (model.logitsAreEmbedding ? "embedding" : "classes") : nil
    labels = logits ? model.labels : []
    passes = report.records.filter(\.changed).map(\.name)
    architecture = model.architecture
    textTower = model.text.map { text in
      TextTower(
        length: text.length, vocabulary: text.vocabulary, endOfText: text.required,
        scale: loaded.comparison?.scale, bias: loaded.comparison?.bias,
        scores: loaded.comparison?.scores)
    }
  }

  /// The same for a size after the first.
  var ofFurtherSize: ModelMetadata {
    var copy = self
    copy.labels = []
    return copy
  }

  /// The JSON text, keys sorted, so that equal models give equal bytes.
  func text() throws(Diagnostic) -> String {
    do {
      return try JSONValue(encoding: self).text(.compact)
    } catch {
      throw Diagnostic("the model's metadata cannot be written as JSON", notes: ["\(error)"])
    }
  }
}
