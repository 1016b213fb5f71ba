import Foundation
import Testing

@testable import RuntimeForTests

/// What control groups leave to a process, of both versions of them and of whatever is none.
@Suite struct QuotaTests {
  /// A folder with the files of a system, that goes with its owner.
  private final class System {
    let root = FileManager.default.temporaryDirectory.path + "/vitc-quota-\(UUID().uuidString)"

    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = URL(fileURLWithPath: root + "/" + path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var processors: Int32? { root.withCString { Quota.processors(below: $0) } }
  }

  private static let list = "proc/self/cgroup"
  private static let mount = "sys/fs/cgroup"

  private func processors(_ files: [String: String]) throws -> Int32? {
    try System(files).processors
  }

  /// The quota of a group of the second version alone.
  private func second(_ text: String) throws -> Int32? {
    try processors([Self.list: "0::/a/b\n", "\(Self.mount)/a/b/cpu.max": text])
  }

  @Test func `the second version's quota is rounded down`() throws {
    #expect(try second("200000 100000\n") == 2)
    #expect(try second("200000 100000") == 2)
    #expect(try second("250000 100000\n") == 2)
    #expect(try second("299999 100000\n") == 2)
    #expect(try second("50000 100000\n") == 1)
    #expect(try second("1000 1000000\n") == 1)
    #expect(try second("6400000 100000\n") == 64)
    #expect(try second("max 100000\n") == nil)
    // More than any run is split into.
    #expect(try second("999999999999999999 1\n") == 1024)
  }

  @Test func `what is not the kernel's text is no quota`() throws {
    for text in [
      "", "\n", "max", "200000", "200000 ", "200000 0\n", " 200000 100000\n", "200000  100000\n",
      "200000 100000 1\n", "-200000 100000\n", "0x20 100\n", "200000 100000\n\n", "2e5 1e5\n",
      "9999999999999999999 100000\n", "200000 9999999999999999999\n", "200000\0100000\n",
      "x 100000\n",
      String(repeating: "1", count: 5000) + " 1\n", String(repeating: " ", count: 63),
    ] {
      #expect(try second(text) == nil, "\(text.prefix(40))")
    }
  }

  @Test func `the least of all groups around it counts`() throws {
    let (list, mount) = (Self.list, Self.mount)
    func files(_ leaf: String, _ middle: String, _ top: String, _ root: String) -> [String: String]
    {
      [
        list: "0::/top/middle/leaf\n", "\(mount)/top/middle/leaf/cpu.max": leaf,
        "\(mount)/top/middle/cpu.max": middle, "\(mount)/top/cpu.max": top,
        "\(mount)/cpu.max": root,
      ]
    }
    let (none, two) = ("max 100000\n", "200000 100000\n")
    let (four, three) = ("400000 100000\n", "600000 200000\n")
    #expect(try processors(files(none, none, none, none)) == nil)
    #expect(try processors(files(two, none, four, none)) == 2)
    #expect(try processors(files(none, three, four, none)) == 3)
    #expect(try processors(files(four, none, three, none)) == 3)
    #expect(try processors(files(four, four, three, two)) == 2)
    #expect(try processors(files("nonsense", four, none, none)) == 4)
  }

  /// Within a container the group has the host's name, and is the root of the mount.
  @Test func `a group that is not there is the mount's root`() throws {
    let root = ["\(Self.mount)/cpu.max": "300000 100000\n"]
    func with(_ list: String) throws -> Int32? {
      try processors(root.merging([Self.list: list]) { $1 })
    }
    #expect(try with("0::/kubepods/pod7/1234\n") == 3)
    #expect(try with("0::/\n") == 3)
    #expect(try with("0::/") == 3)
    #expect(try with("0::/a (deleted)\n") == 3)
    #expect(try with("0::/../../elsewhere\n") == 3)
    #expect(try with("0:://\n") == 3)
    // Not what the kernel writes.
    for list in [
      "", "\n", "0::\n", "0::a\n", "0:/\n", "::/\n", "00::/\n", "0:x:/\n", "1::/\n", "0",
      "/\n", "0:" + String(repeating: "y", count: 2000) + ":/\n",
    ] {
      #expect(try with(list) == nil, "\(list.prefix(40))")
    }
    #expect(try processors(root) == nil)
  }

  /// Names by `..` lead nowhere but to the mount's root.
  @Test func `no name leads out of the mount`() throws {
    let files = [
      Self.list: "0::/a/../../../secret\n", "secret/cpu.max": "100000 100000\n",
      "sys/secret/cpu.max": "100000 100000\n", "\(Self.mount)/a/cpu.max": "max 100000\n",
    ]
    #expect(try processors(files) == nil)
  }

  @Test(arguments: ["cpu", "cpu,cpuacct"])
  func `the first version has two files`(_ folder: String) throws {
    let mount = "\(Self.mount)/\(folder)"
    func with(
      _ quota: String?, _ period: String?, list: String = "4:cpu,cpuacct:/a/b\n",
      of group: String = "/a/b", also: [String: String] = [:]
    ) throws -> Int32? {
      var files = also
      files[Self.list] = "12:memory:/a/b\n" + list + "1:name=systemd:/a/b\n"
      files[mount + group + "/cpu.cfs_quota_us"] = quota
      files[mount + group + "/cpu.cfs_period_us"] = period
      return try processors(files)
    }
    #expect(try with("250000\n", "100000\n") == 2)
    #expect(try with("50000\n", "100000\n") == 1)
    #expect(try with("-1\n", "100000\n") == nil)
    #expect(try with("200000\n", "0\n") == nil)
    #expect(try with("200000\n", nil) == nil)
    #expect(try with(nil, "100000\n") == nil)
    #expect(try with("200000 1\n", "100000\n") == nil)
    #expect(try with("200000\n", "100000\n", list: "4:cpuacct,cpu:/a/b\n") == 2)
    #expect(try with("200000\n", "100000\n", list: "4:cpu:/a/b\n") == 2)
    // Other controllers have other groups.
    #expect(try with("200000\n", "100000\n", list: "4:cpuset,cpuacct:/a/b\n") == nil)
    // Of a container: its own is the mount's root.
    #expect(try with("300000\n", "100000\n", list: "4:cpu:/docker/12\n", of: "") == 3)
    // Of a group around it; both versions at once.
    #expect(
      try with(
        "800000\n", "100000\n",
        also: [
          mount + "/a/cpu.cfs_quota_us": "300000\n", mount + "/a/cpu.cfs_period_us": "50000\n",
        ]) == 6)
    #expect(
      try with(
        "800000\n", "100000\n", list: "4:cpu:/a/b\n0::/c\n",
        also: ["\(Self.mount)/c/cpu.max": "500000 100000\n"]) == 5)
  }

  /// Many groups, long names, folders and pipes in a file's place.
  @Test func `hostile systems have no quota`() throws {
    let long = String(repeating: "/x", count: 490)
    #expect(
      try processors([
        Self.list: "0::\(long)\n", "\(Self.mount)/cpu.max": "400000 100000\n",
      ]) == 4)
    let many = String(repeating: "7:pids:/y\n", count: 400)
    let files = [
      Self.list: many + "0::/z\n", "\(Self.mount)/z/cpu.max": "400000 100000\n",
    ]
    #expect(try processors(files) == 4)
    // Beyond what is read of the list.
    #expect(
      try processors(
        files.merging([Self.list: String(repeating: many, count: 20) + "0::/z\n"]) { $1 }) == nil)
    let system = try System([Self.list: "0::/z\n", "\(Self.mount)/z/cpu.max/file": "x"])
    #expect(system.processors == nil)
    let pipe = try System([Self.list: "0::/z\n", "\(Self.mount)/z/other": "x"])
    #expect(mkfifo(pipe.root + "/\(Self.mount)/z/cpu.max", 0o600) == 0)
    #expect(pipe.processors == nil)
    #expect(try processors([:]) == nil)
  }
}
