/// What texts are made of: Unicode scalars.
///
/// Swift's characters are clusters of these, which no tokenizer works on.
typealias Scalars = [Unicode.Scalar]

extension Scalars {
  /// The scalars of a text.
  init(_ text: String) { self = Array(text.unicodeScalars) }

  /// The text.
  var text: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: self)
    return String(view)
  }
}
