import Glibc
import toy

/// Has the Swift runtime count references and box values, which a model that replaced its swift_*
/// functions would break.
final class Box {
  var values: [String: [Float]] = [:]
}

/// Ends the program with what the model says.
func fail() -> Never {
  print(String(cString: toy_last_error()))
  exit(1)
}

let box = Box()
var model: OpaquePointer?
var context: OpaquePointer?
guard toy_create(nil, &model) == TOY_OK, toy_context_create(model, &context) == TOY_OK else {
  fail()
}
for round in 0..<100 {
  let image = [Float](repeating: Float(round), count: Int(TOY_IMAGE_COUNT))
  var output = [Float](repeating: 0, count: Int(TOY_LOGITS_COUNT))
  guard toy_run(context, image, 1, &output) == TOY_OK else { fail() }
  box.values["round \(round)"] = output
}
toy_context_destroy(context)
toy_destroy(model)
let sum = box.values.values.reduce(0.0) { $0 + $1.reduce(0.0) { $0 + Double($1) } }
print("sum \(Int(sum))")
