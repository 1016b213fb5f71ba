import ArgumentParser
import Parallel

/// The thread counts of a benchmark.
enum ThreadCounts: ExpressibleByArgument, Equatable {
  /// 1, 2, 4, … and the number of processors.
  case doubling
  /// The same, to recommend one of them.
  case automatic
  /// Every number from 1 to the number of processors.
  case all
  /// These.
  case list([Int])

  /// How help texts show a default.
  var defaultValueDescription: String {
    switch self {
    case .doubling: "1, 2, 4, ... and the number of processors"
    case .automatic: "auto"
    case .all: "all"
    case .list(let counts): counts.map(String.init).joined(separator: ",")
    }
  }

  /// The most that an argument may ask for.
  private static let limit = 1024

  /// Reads `all`, `auto` or numbers with commas.
  init?(argument: String) {
    if argument == "all" {
      self = .all
      return
    }
    if argument == "auto" {
      self = .automatic
      return
    }
    var counts: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let count = Int(part), (1...Self.limit).contains(count) else { return nil }
      if !counts.contains(count) { counts.append(count) }
    }
    self = .list(counts.sorted())
  }

  /// Returns the counts, ascending.
  ///
  /// - Parameter processors: How many processors this machine has.
  func counts(processors: Int = Parallel.processors) -> [Int] {
    switch self {
    case .list(let counts): return counts
    case .all: return Array(1...max(1, processors))
    case .doubling, .automatic:
      var counts = [1]
      while let last = counts.last, last * 2 < processors { counts.append(last * 2) }
      return processors > 1 ? counts + [processors] : counts
    }
  }
}
