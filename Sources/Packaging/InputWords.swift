/// How headers speak of what a model reads: images, or the tokens of texts.
struct InputWords {
  /// One input, and several.
  let one: String
  let many: String
  /// The array that a run takes, and the type of its elements.
  let array: String
  let element: String
  /// The functions that run a model for its first output and for all.
  let run: String
  let runAll: String
  /// The constant, after the prefix, that says how many elements one input has.
  let count: String
  /// The shape of the array.
  let shape: String

  init(_ model: ModelInterface) {
    let isText = model.tokens != nil
    one = isText ? "text" : "image"
    many = isText ? "texts" : "images"
    array = isText ? "ids" : "images"
    element = isText ? "int32_t" : "float"
    run = isText ? "run_ids" : "run"
    runAll = isText ? "run_ids_all" : "run_all"
    count = isText ? "LENGTH" : "IMAGE_COUNT"
    shape = isText ? "[count, length]" : "[count, channels, height, width]"
  }
}
