import Foundation
import JSON
import Testing

@testable import vitc

/// What `vitc bench` writes for other tools, and runs of photos.
@Suite struct BenchTests {
  @Test func tracesStepsByThread() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc(
      "bench", model, "--threads", "2", "--iterations", "3", "--trace", folder("t.json"))
    #expect(result.code == 0, "\(result.errors)")
    let trace = try JSONValue(
      parsing: String(contentsOfFile: folder("t.json"), encoding: .utf8))
    let events = try #require(trace["traceEvents"]?.array)
    func number(_ value: JSONValue?) -> Double {
      switch value {
      case .number(let value)?: value
      case .integer(let value)?: Double(value)
      default: .nan
      }
    }
    let complete = events.filter { $0["ph"]?.string == "X" }
    let runs = complete.filter { $0["cat"]?.string == "run" }
    let tasks = complete.filter { $0["cat"]?.string != "run" }
    // Three runs of three steps in two tasks.
    #expect(runs.count == 3 && tasks.count == 18)
    #expect(
      Set(tasks.compactMap { $0["name"]?.string }) == ["blocks.0.up", "head", "blocks.1.up"])
    #expect(tasks.allSatisfy { $0["cat"]?.string == "linear" })
    for task in tasks {
      guard case .integer(let index)? = task["args"]?["run"] else {
        Issue.record("\(task)")
        return
      }
      let (start, end) = (number(task["ts"]), number(task["ts"]) + number(task["dur"]))
      let run = runs[index]
      #expect(number(task["dur"]) >= 0)
      #expect(start >= number(run["ts"]) - 0.001)
      #expect(end <= number(run["ts"]) + number(run["dur"]) + 0.001)
    }
    // Every thread of the events has a name.
    let named = events.filter { $0["name"]?.string == "thread_name" }.map { $0["tid"] }
    #expect(Set(complete.map { $0["tid"] }).isSubset(of: Set(named)))
    #expect(events.allSatisfy { $0["pid"] == .integer(1) })
    #expect(try vitc("bench", model, "--trace", model).code == 1)
  }

  @Test func foldsStacks() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc("bench", model, "--threads", "1", "--iterations", "2", "--folded")
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(
      lines.map { $0.split(separator: " ")[0] }
        == ["toy_model;blocks.0;up", "toy_model;head", "toy_model;blocks.1;up"])
    #expect(lines.allSatisfy { Int($0.split(separator: " ")[1]) != nil })
    #expect(
      FoldedStacks.text("a;b", [("x y.3.4.z", 12.6), ("7", 1)]) == "a_b;x_y.3.4;z 13\na_b;7 1\n")
    for options in [["--json"], ["--per-op"], ["--batch", "2"], ["--trace", "x"]] {
      #expect(try vitc(["bench", model, "--folded"] + options).code == 64)
    }
    #expect(try vitc("bench", model, "--simulate", "2", "--trace", "x").code == 64)
  }

  @Test func runsPhotos() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let result = try vitc(
      "bench", model, "--threads", "1", "--iterations", "4", "--batch", "2", "--images",
      Toy.photos, "--json")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json()
    #expect(json["photos"]?["count"] == .integer(3))
    for key in ["decode_ms", "preprocess_ms"] {
      guard case .number(let time)? = json["photos"]?[key] else {
        Issue.record("\(key): \(json)")
        return
      }
      #expect(time > 0)
    }
    let text = try vitc(
      "bench", model, "--threads", "1", "--iterations", "2", "--images", Toy.photos)
    #expect(text.output.contains("(medians of 3 photos)\n"), "\(text.output)")
    #expect(try vitc("bench", model, "--images", folder.path).code == 1)
  }

  /// Each window begins with another photo, and none reaches beyond the end.
  @Test(arguments: [1, 2, 5])
  func windowsOfPhotos(batch: Int) throws {
    let folder = try Folder()
    let photos = try PhotoInputs([Toy.photos], library: Toy.build(in: folder), size: nil)
    let windows = photos.windows(batch)
    #expect(windows.count == (3 + batch - 1) * 12)
    for photo in 0..<(3 + batch - 1) {
      let same = photo % 3
      #expect(windows[photo * 12..<(photo + 1) * 12] == windows[same * 12..<(same + 1) * 12])
    }
  }
}
