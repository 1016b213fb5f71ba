import Foundation
import Testing

/// vitc where its surroundings are not as usual: streams that are closed or full, pipes in the
/// place of files, leftovers, a umask of its own.
@Suite struct HostTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits/model"

  /// The program that was built with the tests.
  private func program() throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc").path
  }

  /// Runs a shell command in which `$vitc` is the program and `$digits` a model, for at most some
  /// seconds.
  private func shell(_ command: String, in folder: Folder, seconds: Int = 300) throws -> Outcome {
    let setup = "vitc='\(try program())'; digits='\(Self.digits)'; "
    return try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["timeout", "-k", "1", "\(seconds)", "/bin/sh", "-c", setup + command], in: folder.path)
  }

  private func names(in folder: Folder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  // MARK: Streams

  /// Whatever becomes of stderr, the work is done and its exit code is its own.
  @Test(arguments: ["2>&-", "2>/dev/full", "2>&- <&- >&-", "2>/dev/full >/dev/full", "2>&1 | true"])
  func stderrDoesNotMatter(streams: String) throws {
    let folder = try Folder()
    let result = try shell(
      "{ $vitc compile $digits --no-self-test -o libdigits.so; echo $? > code; } \(streams)",
      in: folder)
    #expect(result.errors == "")
    #expect(try String(contentsOfFile: folder("code"), encoding: .utf8) == "0\n")
    #expect(
      try names(in: folder)
        == ["code", "digits.h", "digits.hpp", "libdigits.so", "module.modulemap"])
    // Nothing that was said went into a file that took a closed stream's number.
    let verified = try shell("$vitc verify libdigits.so", in: folder)
    #expect(verified.code == 0)
  }

  @Test(arguments: [
    "$vitc list nothing", "$vitc frobnicate", "$vitc compile nowhere -o x.so",
    "$vitc run nowhere x", "$vitc --frobnicate", "$vitc inspect /dev/null",
  ])
  func errorsKeepTheirCodes(command: String) throws {
    let folder = try Folder()
    let usual = try shell(command, in: folder)
    #expect(usual.code == 1 || usual.code == 64)
    for streams in ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"] {
      #expect(try shell("\(command) \(streams)", in: folder).code == usual.code, "\(streams)")
    }
  }

  /// What was asked for on stdout and does not get there is an error; help and version included.
  @Test(arguments: [
    "$vitc list", "$vitc list ops --json", "$vitc --version", "$vitc --help", "$vitc help compile",
    "$vitc compile $digits --emit ir", "$vitc compile $digits --emit asm",
  ])
  func stdoutMatters(command: String) throws {
    let folder = try Folder()
    for streams in [">/dev/full", ">&-", ">&- <&-"] {
      let result = try shell("\(command) \(streams)", in: folder)
      #expect(result.code == 1, "\(streams)")
      #expect(
        result.errors.hasPrefix("error: cannot write to standard output\n  hint: "),
        "\(streams): \(result.errors)")
      #expect(try shell("\(command) \(streams) 2>&-", in: folder).code == 1)
    }
    // Whoever reads no further knows.
    let cut = try shell("{ \(command); echo $? >&2; } | true", in: folder)
    #expect(["0\n", "141\n"].contains(cut.errors), "\(cut.errors)")
  }

  // MARK: Files

  /// Nobody writes to these pipes: whoever opens one waits for ever.
  @Test(arguments: [
    "$vitc compile pipe -o x.so", "$vitc compile folder -o x.so",
    "$vitc compile ViT-Ti/16 --weights pipe -o x.so",
    "$vitc compile $digits --calibrate folder --precision bf16 -o x.so",
    "$vitc compile $digits -o pipe", "$vitc run pipe photo.png", "$vitc run libdigits.so pipe",
    "$vitc run libdigits.so --input pipe --output out.npy", "$vitc inspect pipe",
    "$vitc verify pipe", "$vitc verify libdigits.so --weights pipe", "$vitc selftest pipe",
    "$vitc bench pipe", "$vitc opt pipe", "$vitc golden check pipe x.npz",
    "$vitc golden check libdigits.so pipe",
    "$vitc compare libdigits.so pipe --images $digits/../images",
    "$vitc run libdigits.so $digits/../images/digit-3-1729.png --labels pipe",
    "$vitc compile $digits --emit ir -o pipe", "$vitc opt graph.vir -o pipe",
    "$vitc run libdigits.so --input $digits/../test-images.npy --output pipe",
    "$vitc golden record libdigits.so --seed 1 -o pipe",
  ])
  func pipesAreNotWaitedFor(command: String) throws {
    let folder = try Folder()
    let setup = """
      mkfifo pipe && mkdir folder && mkfifo folder/config.json folder/model.safetensors \
      folder/photo.png folder/photo.jpg && \
      $vitc compile $digits -q --no-self-test -o libdigits.so && \
      $vitc compile $digits --emit ir -o graph.vir;
      """
    let result = try shell(setup + command, in: folder, seconds: 100)
    #expect([1, 64].contains(result.code), "\(result.code) \(result.errors)")
    #expect(result.errors.contains("error: "), "\(result.errors)")
  }

  @Test func theUmaskDecides() throws {
    let masks = [("022", "755", "644"), ("077", "700", "600"), ("002", "775", "664")]
    for (mask, program, text) in masks {
      let folder = try Folder()
      let result = try shell(
        """
        umask \(mask); $vitc compile $digits -q --weights-file --no-self-test -o libdigits.so &&
        stat -c '%a %n' libdigits.so digits.weights digits.h module.modulemap
        """, in: folder)
      #expect(
        result.output
          == "\(program) libdigits.so\n\(text) digits.weights\n\(text) digits.h\n"
          + "\(text) module.modulemap\n", "\(result.errors)")
      let object = try shell(
        "umask \(mask); $vitc compile $digits -q --emit object --no-self-test -o digits.o && "
          + "stat -c %a digits.o", in: folder)
      #expect(object.output == text + "\n", "\(object.errors)")
    }
  }

  /// A compilation that was killed leaves files; the next one removes them, but not those of one
  /// that goes on beside it.
  @Test func leftoversOfTheKilledGo() throws {
    let folder = try Folder()
    let result = try shell(
      """
      $vitc compile ViT-Ti/16 --weights seed:1 -q -o libvit.so & killed=$!
      for i in $(seq 2000); do [ -z "$(ls -A)" ] || break; sleep 0.01; done
      kill -KILL $killed; wait $killed
      ls -A | grep -c '^[.]vitc-'
      $vitc compile ViT-Ti/16 --weights seed:1 -q --no-self-test -o libvit.so & other=$!
      $vitc compile $digits -q --no-self-test -o libdigits.so; echo $?
      wait $other; echo $?
      """, in: folder)
    #expect(result.output == "1\n0\n0\n", "\(result.errors)")
    #expect(
      try names(in: folder)
        == [
          "digits.h", "digits.hpp", "libdigits.so", "libvit.so", "module.modulemap", "vit.h",
          "vit.hpp",
        ])
  }

  @Test(arguments: [
    "$vitc opt graph.vir -o graph.vir", "$vitc opt graph.vir -o ./link",
    "$vitc run libdigits.so --input in.npy --output in.npy",
    "$vitc run libdigits.so --input in.npy --output logits=in.npy",
    "$vitc golden record libdigits.so --input in.npy -o in.npy",
    "$vitc golden record libdigits.so --seed 1 -o libdigits.so",
    "$vitc compile model -o model/model.safetensors", "$vitc compile model -o model/config.json",
    "$vitc compile model --emit ir -o model/config.json",
    "$vitc compile model --weights model/model.safetensors --emit asm -o model/model.safetensors",
    "$vitc compile model -o digits.h --name digits",
    "$vitc compile model -o digits.hpp --name digits", "$vitc compile model -o module.modulemap",
  ])
  func inputsAreNotOverwritten(command: String) throws {
    let folder = try Folder()
    let result = try shell(
      """
      cp -r $digits model; $vitc compile model --emit ir -o graph.vir && ln -s graph.vir link
      $vitc compile model -q --no-self-test --name digits -o libdigits.so
      cp '\(Self.digits)/../test-images.npy' in.npy
      all="model/* graph.vir libdigits.so in.npy digits.h module.modulemap"
      before=$(sha256sum $all); \(command); code=$?
      [ "$before" = "$(sha256sum $all)" ] && echo "$code"
      """, in: folder)
    #expect(result.output == "1\n", "\(result.output) \(result.errors)")
    #expect(result.errors.contains("error: "))
  }

  @Test func compilingAgainIsFine() throws {
    let folder = try Folder()
    let result = try shell(
      """
      cp -r $digits model; cd model
      for i in 1 2; do
        $vitc compile . -q --no-self-test --name digits -o libdigits.so &&
        $vitc compile . --emit ir -o graph.vir && $vitc opt graph.vir -o planned.vir || exit 1
      done
      """, in: folder)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test func quitEndsIt() throws {
    let folder = try Folder()
    let result = try shell(
      """
      ulimit -c 0
      env --default-signal=QUIT $vitc compile ViT-Ti/16 --weights seed:1 -q -o libvit.so &
      compiler=$!
      for i in $(seq 2000); do [ -z "$(ls -A)" ] || break; sleep 0.01; done
      kill -QUIT $compiler; wait $compiler; echo $?
      """, in: folder)
    #expect(result.output == "131\n", "\(result.errors)")
    #expect(try names(in: folder) == [])
  }

  // MARK: Names

  /// Swift's texts are UTF-8: what is not would be taken for a file of another name.
  @Test(arguments: [
    "compile $digits -o \"$bad\"", "compile $digits -o \"$bad/libdigits.so\"",
    "compile \"$bad\" -o x.so", "compile $digits --weights \"$bad\" -o x.so",
    "compile $digits --emit ir --dump-dir \"$bad\"", "compile $digits --emit ir -o \"$bad\"",
    "compile $digits --calibrate \"$bad\" --precision int8 -o x.so",
    "compile $digits --name \"$bad\" -o x.so", "run \"$bad\" photo.png",
    "run libdigits.so \"$bad\"", "run libdigits.so photo.png --labels \"$bad\"",
    "run libdigits.so --input in.npy --output \"$bad\"", "inspect \"$bad\"", "verify \"$bad\"",
    "verify libdigits.so --weights \"$bad\"", "selftest \"$bad\"", "bench \"$bad\"",
    "opt \"$bad\"", "golden record libdigits.so --seed 1 -o \"$bad\"", "\"$bad\"",
  ])
  func argumentsThatAreNotUTF8(command: String) throws {
    let folder = try Folder()
    let result = try shell(
      "bad=$(printf 'lib\\377\\303.so'); mkdir before; before=$(ls -A | od -c); "
        + "$vitc \(command); code=$?; [ \"$before\" = \"$(ls -A | od -c)\" ] && exit $code",
      in: folder)
    #expect(result.code == 1, "\(result.errors)")
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("error: argument "), "\(result.errors)")
    #expect(result.errors.contains("lib\\xFF\\xC3.so"))
    #expect(result.errors.contains("', is not UTF-8\n  hint: "))
  }

  /// Of a folder's photos those with such names are named; the others are answered.
  @Test func namesInFoldersThatAreNotUTF8() throws {
    let folder = try Folder()
    let result = try shell(
      """
      $vitc compile $digits -q --no-self-test -o libdigits.so; mkdir photos
      cp $digits/../images/digit-3-1729.png photos/good.png
      cp $digits/../images/digit-3-1729.png "photos/$(printf 'b\\377d.png')"
      cp $digits/../images/digit-3-1729.png "photos/$(printf 'b\\377d.txt')"
      $vitc run libdigits.so photos --top 1; echo $?
      rm photos/good.png; $vitc run libdigits.so photos --top 1; echo $?
      """, in: folder)
    #expect(result.output.hasPrefix("photos/good.png  "), "\(result.output)")
    #expect(result.output.hasSuffix(" %\n1\n1\n"), "\(result.output)")
    #expect(
      result.errors.contains(
        "photos: warning: skipped photos whose names are not UTF-8: 'b\\xFFd.png'\n"),
      "\(result.errors)")
    #expect(result.errors.contains("photos: error: the folder has no photos whose names are UTF-8"))
  }

  /// The folder where vitc runs, and what a link leads to, are not named in arguments.
  @Test func foldersAndLinksThatAreNotUTF8() throws {
    let folder = try Folder()
    let result = try shell(
      """
      place=$(printf 'p\\377'); mkdir "$place"; cd "$place"
      $vitc compile $digits -q -o libdigits.so && $vitc selftest libdigits.so > /dev/null &&
        $vitc verify libdigits.so > /dev/null && $vitc compile $digits --emit ir -o graph.vir
      echo $?
      ls -A; cd ..; : > "$place/$place"; ln -s "$place/$place" link
      $vitc compile $digits --emit ir -o link; echo $?; ls -A | wc -l
      """, in: folder)
    #expect(
      result.output == "0\ndigits.h\ndigits.hpp\ngraph.vir\nlibdigits.so\nmodule.modulemap\n1\n2\n",
      "\(result.output) \(result.errors)")
    #expect(result.errors == "link: error: the link leads to a file whose name is not UTF-8\n")
  }

  // MARK: Limits

  /// OpenBLAS starts threads and maps memory as it is loaded: only where it is used.
  @Test func openBLASIsLoadedWhereItIsUsed() throws {
    let folder = try Folder()
    for (options, isLoaded) in [
      ("", false), ("--precision int8", false), ("--precision bf16", false),
      ("--precision int8 --calibrate $digits/../images", true),
    ] {
      let result = try shell(
        "LD_DEBUG=files LD_DEBUG_OUTPUT=log $vitc compile $digits \(options) -q -o libdigits.so; "
          + "cat log.* | grep -c libopenblas; rm -f log.*", in: folder)
      #expect((result.output != "0\n") == isLoaded, "\(options): \(result.output)")
    }
  }

  /// Where it cannot be loaded, what needs it says so, and the rest works.
  @Test func withoutOpenBLAS() throws {
    let folder = try Folder()
    let result = try shell(
      """
      echo none > libopenblas.so.0; export LD_LIBRARY_PATH=$PWD
      $vitc compile $digits -q -o libdigits.so && $vitc compile $digits -q --precision int8 \
        -o libsmall.so && $vitc selftest libdigits.so > /dev/null; echo $?
      $vitc compile $digits -q --precision int8 --calibrate $digits/../images -o libcalibrated.so
      """, in: folder)
    #expect(result.output == "0\n", "\(result.errors)")
    #expect(result.code == 1)
    #expect(
      result.errors.hasPrefix(
        "--calibrate: error: cannot calibrate: OpenBLAS cannot be loaded: "), "\(result.errors)")
    #expect(
      result.errors.contains("  hint: run 'apt-get install libopenblas0', or compile without"))
  }

  /// A small stack is refused, or made larger where that is allowed.
  @Test func stacks() throws {
    let folder = try Folder()
    let result = try shell(
      """
      prlimit --stack=65536:65536 $vitc list; echo $?
      prlimit --stack=131072:unlimited $vitc compile $digits -q -o libdigits.so; echo $?
      """, in: folder)
    #expect(result.output == "1\n0\n")
    #expect(
      result.errors == "error: the stack is limited to 64 KB, expected 512 KB at least\n"
        + "  hint: raise the limit (ulimit -s)\n")
  }

  /// The time of the processor runs out: nothing is left behind.
  @Test func theTimeIsUp() throws {
    let folder = try Folder()
    let result = try shell(
      "ulimit -c 0; prlimit --cpu=1:100 $vitc compile ViT-B/16 --weights seed:1 -q -o libvit.so; "
        + "echo $?", in: folder)
    // 128 and the number of SIGXCPU.
    #expect(result.output == "152\n", "\(result.errors)")
    #expect(try names(in: folder) == [])
  }

  /// Nothing hangs where address space or processes are short: it works, or there is a text.
  @Test(arguments: [
    "--as=300000000", "--as=380000000", "--as=500000000", "--as=600000000", "--as=700000000",
    "--data=200000000", "--nproc=1", "--nproc=2", "--nproc=4",
  ])
  func limits(limit: String) throws {
    let folder = try Folder()
    // Limits on processes are not for the superuser.
    let user =
      limit.hasPrefix("--nproc") && geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups" : ""
    let result = try shell(
      """
      cp -r $digits model; cp -r $digits/../images images; chmod -R a+rwX .
      run="timeout 200 \(user) prlimit \(limit)"
      $run $vitc --version > /dev/null; echo $?
      for options in "" "--precision int8 --calibrate images"; do
        $run $vitc compile model $options -q -o libdigits.so 2> text; code=$?
        [ $code = 0 ] || { [ $code = 1 ] && grep -q 'error: ' text; } || { echo $code; cat text; }
      done
      """, in: folder, seconds: 600)
    #expect(result.output == "0\n", "\(result.errors)")
  }
}
