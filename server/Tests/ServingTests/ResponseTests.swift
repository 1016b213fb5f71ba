import JSON
import Testing

@testable import Serving

/// Answers, in JSON and as binary data.
@Suite struct ResponseTests {
  private let outputs: [String: [Float]] = [
    "logits": [1, 3, 2, 0.1, -1e-7, 16777216], "tokens": [1, 2, 3, 4, 5, 6, 7, 8],
  ]

  private func response(
    _ wanted: [RequestedOutput], isBinary: Bool = false, labels: [String] = ["a", "b:c", "\"d\""],
    outputs: [String: [Float]]? = nil
  ) throws -> InferResponse {
    try InferResponse(
      to: InferRequest(id: "x\"y", inputs: [], outputs: wanted, isBinary: isBinary),
      of: smallModel(labels: labels), outputs: outputs ?? self.outputs, sizes: [0, 0])
  }

  private func text(_ response: InferResponse) -> String {
    String(decoding: response.body.prefix(response.headerBytes ?? .max), as: UTF8.self)
  }

  @Test func numbersAreTheShortestThatReadBack() throws {
    let response = try response([RequestedOutput("logits")])
    #expect(response.headerBytes == nil)
    #expect(
      text(response)
        == #"{"model_name":"small","model_version":"1","id":"x\"y","outputs":["#
        + #"{"name":"logits","datatype":"FP32","shape":[2,3],"#
        + #""data":[1.0,3.0,2.0,0.1,-1e-07,16777216.0]}]}"#
    )
  }

  @Test func allOutputsAreTheModelsAndTheScores() throws {
    let json = try JSONValue(parsing: text(try response([])))
    let all = json["outputs"]?.array ?? []
    #expect(all.compactMap { $0["name"]?.string } == ["logits", "tokens", "scores"])
    #expect(all.map { $0["shape"] }[1] == .array([.integer(2), .integer(2), .integer(2)]))
    let scores = (all.last?["data"]?.array ?? []).map { value -> Double in
      if case .number(let number) = value { return number }
      if case .integer(let integer) = value { return Double(integer) }
      return .nan
    }
    // e^-2, 1 and e^-1 over their sum.
    for (found, expected) in zip(scores, [0.09003057, 0.66524096, 0.24472847]) {
      #expect(abs(found - expected) < 1e-7)
    }
    #expect(Array(scores.suffix(3)) == [0, 0, 1])
  }

  @Test func binaryDataFollowsTheText() throws {
    let response = try response(
      [RequestedOutput("logits"), RequestedOutput("tokens", isBinary: false)], isBinary: true)
    let json = try JSONValue(parsing: text(response))
    let logits = json["outputs"]?.array?.first
    #expect(logits?["parameters"]?["binary_data_size"] == .integer(24))
    #expect(logits?["data"] == nil)
    #expect(json["outputs"]?.array?.last?["data"]?.array?.count == 8)
    let data = response.body.dropFirst(response.headerBytes ?? 0)
    let values = Array(data).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(values == outputs["logits"])
  }

  @Test func classesHaveValueIndexAndLabel() throws {
    let json = try JSONValue(
      parsing: text(try response([RequestedOutput("logits", classes: 2)])))
    let output = json["outputs"]?.array?.first
    #expect(output?["datatype"] == .string("BYTES"))
    #expect(output?["shape"] == .array([.integer(2), .integer(2)]))
    #expect(
      output?["data"]?.array?.compactMap(\.string) == [
        "3.0:1:b:c", "2.0:2:\"d\"", "16777216.0:2:\"d\"", "0.1:0:a",
      ])
    // More than there are, equal ones, and no names.
    let equal = try response(
      [RequestedOutput("logits", classes: 9)], labels: [], outputs: ["logits": [5, 5, 5, 1, 2, 2]])
    #expect(
      try JSONValue(parsing: text(equal))["outputs"]?.array?.first?["data"]?.array?
        .compactMap(\.string) == ["5.0:0", "5.0:1", "5.0:2", "2.0:1", "2.0:2", "1.0:0"])
  }

  @Test func classesAsBinaryData() throws {
    let response = try response([RequestedOutput("logits", isBinary: true, classes: 1)])
    let data = Array(response.body.dropFirst(response.headerBytes ?? 0))
    #expect(
      data == [9, 0, 0, 0] + Array("3.0:1:b:c".utf8) + [16, 0, 0, 0]
        + Array("16777216.0:2:\"d\"".utf8))
  }

  @Test func whatIsNotFiniteIsNoJSON() throws {
    let wrong: [String: [Float]] = ["logits": [1, .nan, 2, .infinity, 0, 0]]
    let error = #expect(throws: ServeError.self) {
      try response([RequestedOutput("logits")], outputs: wrong)
    }
    #expect(error?.reason == .invalid)
    _ = try response([RequestedOutput("logits", isBinary: true)], outputs: wrong)
  }

  @Test func scoresAreAsTheModelSays() {
    let row: [Float] = [0, 2]
    #expect(Classes.scores(row, count: 1, by: .identity) == row)
    let sigmoid = Classes.scores(row, count: 1, by: .sigmoid)
    #expect(sigmoid[0] == 0.5)
    #expect(abs(sigmoid[1] - 0.880797) < 1e-6)
    // Each row by itself, however large its numbers.
    #expect(Classes.scores([1000, 1000, -5, -5], count: 2, by: .softmax) == [0.5, 0.5, 0.5, 0.5])
  }

  @Test func wishesAreCheckedBeforeTheRun() {
    let model = smallModel()
    for (wanted, message) in [
      (
        [RequestedOutput("boxes")],
        "the model has no output 'boxes', but 'logits', 'tokens', 'scores'"
      ),
      (
        [RequestedOutput("logits"), RequestedOutput("logits")],
        "output 'logits' is named twice"
      ),
      (
        [RequestedOutput("tokens", classes: 2)],
        "classification: 'tokens' has shape [2, 2], expected one number a class"
      ),
    ] {
      let error = #expect(throws: ServeError.self) {
        try model.check(InferRequest(inputs: [], outputs: wanted))
      }
      #expect(error?.message == message)
    }
    #expect(
      model.computed(for: InferRequest(inputs: [], outputs: [RequestedOutput("scores")]))
        == ["logits"])
    #expect(model.computed(for: InferRequest(inputs: [])) == ["logits", "tokens"])
  }
}
