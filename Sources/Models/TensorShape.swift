/// What a tensor of another shape than expected most likely is.
enum TensorShape {
  /// A few words on how a stored shape comes from the expected one; `nil` if it does not.
  static func explanation(of stored: [Int], expected: [Int]) -> String? {
    if stored.count == 2, expected.count == 2, stored == expected.reversed() {
      return "it is transposed"
    }
    if stored.count == 4, expected.count == 2, stored == expected + [1, 1] {
      return "it is a convolution of one pixel"
    }
    if stored.count == 2, expected.count == 4, stored + [1, 1] == expected {
      return "it is a linear layer, not a convolution of one pixel"
    }
    if stored.count == 4, expected.count == 4, stored == [2, 3, 1, 0].map({ expected[$0] }) {
      return "it has rows and columns first, as TensorFlow stores kernels"
    }
    let count = expected.reduce(1, *)
    return stored != expected && stored.allSatisfy({ $0 > 0 }) && stored.reduce(1, *) == count
      ? "as many values in another shape" : nil
  }
}
