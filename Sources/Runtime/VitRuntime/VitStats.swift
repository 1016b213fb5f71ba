import CVitABI
import JSON

/// What a context did since it was made.
public struct VitStats: Hashable, Sendable {
  /// A step of a run and its time.
  public struct Step: Hashable, Sendable {
    /// Its name, such as `blocks.0.attn.qkv`; its number where the library does not say.
    public var name: String
    /// What the calling thread spent on it in all runs, waiting for the others included.
    ///
    /// Of a batch the images count that this thread had a share in.
    public var nanoseconds: UInt64
  }

  /// The runs that succeeded.
  public var runs: UInt64
  /// Their images, or texts.
  public var images: UInt64
  /// What they took.
  public var nanoseconds: UInt64
  /// The steps in order; empty unless the model was loaded with `measuresSteps`.
  public var steps: [Step]
}

extension VitContext {
  /// What this context did since it was made.
  ///
  /// ```swift
  /// let model = try VitModel(path: "libvit.so", options: VitOptions(measuresSteps: true))
  /// let context = try model.makeContext()
  /// _ = try context.run(images: image)
  /// for step in try context.stats().steps { print(step.name, step.nanoseconds) }
  /// ```
  ///
  /// - Throws: `VitError` if the library was compiled by a version of vitc that counts nothing.
  public func stats() throws(VitError) -> VitStats {
    let entry = model.entry
    guard entry.has(\.context_stats), let function = entry.pointee.context_stats else {
      throw VitError(
        .invalidArgument, "the model was compiled by a version of vitc that counts no runs")
    }
    var raw = vit_context_stats()
    raw.size = MemoryLayout<vit_context_stats>.size
    try model.check(function(handle, &raw))
    var times = [UInt64](repeating: 0, count: Int(raw.step_count))
    let status = times.withUnsafeMutableBufferPointer { times in
      raw.step_nanoseconds = times.baseAddress
      raw.step_capacity = Int32(times.count)
      return function(handle, &raw)
    }
    try model.check(status)
    let json = times.isEmpty ? nil : try? JSONValue(parsing: model.description.json)
    let names = json?["steps"]?.array ?? []
    return VitStats(
      runs: raw.runs, images: raw.images, nanoseconds: raw.nanoseconds,
      steps: times.enumerated().map { index, time in
        let name = index < names.count ? names[index]["name"]?.string : nil
        return VitStats.Step(name: name ?? "step \(index)", nanoseconds: time)
      })
  }
}
