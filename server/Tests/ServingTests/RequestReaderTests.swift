import JSON
import Testing

@testable import Serving

/// The bodies of inference requests, and what is wrong with them.
@Suite struct RequestReaderTests {
  private func read(
    _ text: String, binary: [UInt8] = [], headerBytes: Int? = nil, limit: Int = 1000
  ) throws -> InferRequest {
    let size = binary.isEmpty && headerBytes == nil ? nil : headerBytes ?? text.utf8.count
    return try (Array(text.utf8) + binary).withUnsafeBytes {
      try InferRequestReader.read($0, headerBytes: size, valueLimit: limit)
    }
  }

  @Test func readsAllOfARequest() throws {
    let request = try read(
      """
      {"id": "7", "parameters": {"timeout": 250, "binary_data_output": true, "other": [1]},
       "inputs": [{"name": "images", "datatype": "FP32", "shape": [1, 2], "data": [[1, 2.5]]}],
       "outputs": [{"name": "logits", "parameters": {"binary_data": false, "classification": 3}},
                   {"name": "tokens", "parameters": null}]}
      """)
    #expect(
      request
        == InferRequest(
          id: "7", timeoutMicroseconds: 250,
          inputs: [
            InputTensor(
              name: "images", datatype: .float32, shape: [1, 2],
              content: .json([.array([.integer(1), .number(2.5)])]))
          ],
          outputs: [
            RequestedOutput("logits", isBinary: false, classes: 3), RequestedOutput("tokens"),
          ], isBinary: true))
  }

  @Test func placesBinaryData() throws {
    func input(_ size: Int) -> String {
      #"{"name":"i","datatype":"UINT8","shape":[\#(size)],"#
        + #""parameters":{"binary_data_size":\#(size)}}"#
    }
    let text = #"{"inputs":[\#(input(3)),\#(input(5))]}"#
    let request = try read(text, binary: [UInt8](repeating: 7, count: 8))
    let start = text.utf8.count
    #expect(
      request.inputs.map(\.content) == [
        .binary(start..<start + 3), .binary(start + 3..<start + 8),
      ])
    for wrong in [7, 9] {
      #expect(throws: ServeError.self) {
        try read(text, binary: [UInt8](repeating: 7, count: wrong))
      }
    }
  }

  @Test(
    arguments: [
      ("", "the request is not JSON"), ("7", "the request is the integer 7, expected an object"),
      ("{}", "inputs: missing or empty"), (#"{"inputs":7}"#, "inputs: found the integer 7"),
      (#"{"inputs":[{"name":"i"}]}"#, "inputs[0].datatype: missing"),
      (#"{"inputs":[{"name":"i","datatype":"FP8"}]}"#, "inputs[0].datatype: found 'FP8'"),
      (#"{"inputs":[{"name":"i","datatype":"FP32"}]}"#, "inputs[0].shape: missing or empty"),
      (
        #"{"inputs":[{"name":"i","datatype":"FP32","shape":[0]}]}"#,
        "inputs[0].shape: found the integer 0, expected 1 or more"
      ),
      (
        #"{"inputs":[{"name":"i","datatype":"FP32","shape":[4294967296,4294967296]}]}"#,
        "inputs[0].shape: too many elements"
      ),
      (#"{"inputs":[{"name":"i","datatype":"FP32","shape":[1]}]}"#, "inputs[0].data: missing"),
      (
        #"{"inputs":[{"name":"i","datatype":"FP32","shape":[1],"data":1}]}"#,
        "inputs[0].data: found the integer 1, expected an array"
      ),
      (
        #"{"inputs":[{"name":"i","datatype":"FP32","shape":[1],"#
          + #""parameters":{"binary_data_size":4}}]}"#,
        "binary_data_size is 4, but 0 bytes of the body are left"
      ),
      (#"{"id":7,"inputs":[]}"#, "id: found the integer 7, expected a string"),
      (#"{"parameters":{"timeout":-1}}"#, "parameters.timeout: found the integer -1"),
      (#"{"parameters":[]}"#, "parameters: found an array of 0, expected an object"),
    ])
  func saysWhatIsWrong(text: String, message: String) {
    let error = #expect(throws: ServeError.self) { try read(text) }
    #expect(error?.reason == .invalid)
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func boundsValuesBeforeTheyAreRead() throws {
    let text = #"{"inputs":[{"name":"i","datatype":"FP32","shape":[4],"data":[1,2,3,4]}]}"#
    // 1, and one for each of 3 '{' or '[' of objects and lists, '[' of two lists, and ','.
    let marks = 1 + text.utf8.count { [0x2C, 0x5B, 0x7B].contains($0) }
    _ = try read(text, limit: marks)
    let error = #expect(throws: ServeError.self) { try read(text, limit: marks - 1) }
    #expect(error?.reason == .tooLarge)
  }

  @Test func theHeaderLiesWithinTheBody() {
    for size in [-1, 3, Int.max] {
      let error = #expect(throws: ServeError.self) { try read("{}", headerBytes: size) }
      #expect(error?.reason == .invalid)
    }
  }
}
