import Serving
import VitRuntime

/// Where a model is, and what it is to be called: an argument `[NAME=]LIBRARY`.
struct ModelPlace {
  /// The name that the argument gives; `nil` for the model's own.
  var name: String?
  /// The library.
  var path: String

  /// Reads the arguments.
  ///
  /// - Throws: `invalid` for a name that an address cannot have as it is.
  static func list(_ arguments: [String]) throws(ServeError) -> [ModelPlace] {
    var places: [ModelPlace] = []
    for argument in arguments {
      // A path may have a sign as well; what is before it is a name only without a slash.
      guard let sign = argument.firstIndex(of: "="), !argument[..<sign].contains("/") else {
        places.append(ModelPlace(path: argument))
        continue
      }
      let name = String(argument[..<sign])
      try check(name)
      places.append(ModelPlace(name: name, path: String(argument[argument.index(after: sign)...])))
    }
    return places
  }

  /// Throws unless a name has letters, digits, `.`, `_` and `-` only.
  static func check(_ name: String) throws(ServeError) {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isPlain, !name.isEmpty else {
      throw ServeError(
        .invalid, "invalid model name '\(name)', expected letters, digits, '.', '_' and '-'")
    }
  }
}
