/// How compiled models share out the images of a run among threads: `Sources/Runtime/Embedded` has
/// the rule, in `Run.swift` and `Teams.swift`.
struct BatchRounds: Hashable {
  /// Images that run at the same time, each on as many threads.
  struct Round: Hashable {
    let images: Int
    /// Threads of each image.
    let size: Int
  }

  /// One after the other.
  let rounds: [Round]

  /// Whole images for every thread as long as there are so many; then teams, as many as the largest
  /// divisor of the threads that is not above the images left.
  init(images: Int, threads: Int) {
    var rounds = [Round](
      repeating: Round(images: threads, size: 1), count: images / threads)
    var left = images % threads
    while left > 0 {
      let teams = (1...left).last { threads % $0 == 0 } ?? 1
      rounds.append(Round(images: teams, size: threads / teams))
      left -= teams
    }
    self.rounds = rounds
  }
}
