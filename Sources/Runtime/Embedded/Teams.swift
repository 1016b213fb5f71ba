import CVitSystem

/// The tasks of a context, and how they are shared out among images.
struct Crew {
  let tasks: Int32
  /// Tasks that work on one image, at most: from 1 to all.
  let perImage: Int32

  /// Tasks are woken by groups of as many as work on one image, each group by a turnstile of its
  /// own: a hundred threads that have nothing to do cost more to wake than an image gains from
  /// the last of those that have.
  var groups: Int32 { (tasks &+ perImage &- 1) / perImage }

  /// The group of a task.
  func group(of task: Int32) -> Int32 { task / perImage }

  /// The tasks that have a share in a run of `images` images: whole groups.
  func tasks(for images: Int) -> Int32 {
    min(tasks, Int32(truncatingIfNeeded: min(images, Int(groups))) &* perImage)
  }

  /// The round that comes next when `left` images are left, at least one and less than one for each
  /// task; it is of the first tasks.
  func round(left: Int) -> Round {
    Round(
      left: left, tasks: Int32(truncatingIfNeeded: min(left, Int(tasks / perImage))) &* perImage)
  }
}

/// Images that are run at the same time, each by a team of tasks: what a batch has beyond whole
/// images for every task.
///
/// A step gets less from many tasks than from few: their shares are less even, what each prepares
/// for itself is prepared more often, and more tasks wait for each other. So the images that are
/// left go in rounds, each of as many teams of one size as the images fill. With one image a round
/// is one team of all tasks.
struct Round {
  /// Teams, each with an image of its own.
  let teams: Int32
  /// Tasks of each team: those that follow each other.
  let size: Int32

  /// The round that comes next when `left` images are left, at least one: as many teams as the
  /// largest divisor of `tasks` that is not above `left`.
  init(left: Int, tasks: Int32) {
    var teams = Int32(truncatingIfNeeded: max(1, min(left, Int(tasks))))
    while tasks % teams != 0 { teams &-= 1 }
    self.teams = teams
    size = tasks / teams
  }

  /// The tasks that have a share in it.
  var tasks: Int32 { teams &* size }

  /// How many teams of two tasks or more there can be.
  static func mostTeams(tasks: Int32) -> Int { Int(max(1, tasks / 2)) }

  /// The team of a task.
  func team(of task: Int32) -> Int32 { task / size }

  /// The place of a task in its team.
  func member(_ task: Int32) -> Int32 { task % size }
}

extension UnsafeMutablePointer where Pointee == Context {
  /// What task `task` of the `tasks` of a run does in a round whose images are those from `first`
  /// on.
  ///
  /// The tasks of a team meet after each step; after the last one they meet those of all teams,
  /// since the teams of the next round use the same arenas. Images of a mixed run have programs of
  /// their own.
  func run(_ round: Round, from first: Int, task: Int32, of tasks: Int32) {
    let polls = pointee.patience.step
    let everybody = pointee.meeting
    guard task < round.tasks else { return everybody.pass(count: tasks, polls: polls) }
    let team = round.team(of: task)
    let ours = round.size == tasks ? everybody : meeting(ofTeam: team)
    let image = first &+ Int(team)
    let program = program(of: image)
    var clock = StepClock(task == 0 ? stepTimes(of: program) : nil)
    var frame = frame(of: task, in: round, image: image, program)
    let functions = steps(of: program)
    let last = program.pointee.step_count &- 1
    var step: Int32 = 0
    while step < last {
      run(functions?[Int(step)], &frame, of: round, task: task, meeting: ours)
      if round.size > 1 { ours.pass(count: round.size, polls: polls) }
      clock.end(Int(step))
      step &+= 1
    }
    if last >= 0 {
      let meeting = round.size == tasks ? everybody : nil
      run(functions?[Int(last)], &frame, of: round, task: task, meeting: meeting)
    }
    if tasks > 1 { everybody.pass(count: tasks, polls: polls) }
    if last >= 0 { clock.end(Int(last)) }
  }

  /// What task `task` does of step `step` of a round, if the image of its team has so many.
  func runStep(_ step: Int, of round: Round, from first: Int, task: Int32) {
    let image = first &+ Int(round.team(of: task))
    let program = program(of: image)
    guard step < Int(program.pointee.step_count) else { return }
    var frame = frame(of: task, in: round, image: image, program)
    run(steps(of: program)?[step], &frame, of: round, task: task)
  }

  /// The frame of a task in a round: its team's image is in the arena of the team's first task.
  private func frame(
    of task: Int32, in round: Round, image: Int, _ program: UnsafePointer<vit_program>
  ) -> vit_frame {
    let first = task &- round.member(task)
    var frame = frame(task: task, slot: first, image: image, program)
    if round.size > 1 {
      frame.pieces = UnsafeMutableRawPointer(pieceCounter(first))
        .assumingMemoryBound(to: CChar.self)
    }
    return frame
  }
}
