import CVitSystem
import Synchronization

/// Runs of images of several sizes.
extension UnsafeMutablePointer where Pointee == Context {
  /// Checks what a caller says of each image, then runs them.
  ///
  /// There is no padding: each image is run by the program of its size.
  func run(mixed images: UnsafePointer<vit_sized_image>, count: Int) -> vit_status {
    let program = pointee.program
    guard count > 0, count <= (1 << 46) / MemoryLayout<vit_sized_image>.stride else {
      guard count != 0 else {
        return fail(
          program, VIT_INVALID_ARGUMENT, "count is 0, expected at least one image")
      }
      var error = ErrorText(program)
      error.append("count is ")
      error.append(bytes: count)
      error.append(", which is more than memory can hold")
      return VIT_INVALID_ARGUMENT
    }
    for number in 0..<count {
      guard program.hasSize(images[number].size) else { return VIT_INVALID_ARGUMENT }
      guard let image = images[number].image else { return refuse(number, ": image is null") }
      guard Int(bitPattern: image) & 3 == 0 else {
        return refuse(number, ": image is not aligned to 4 bytes")
      }
      guard images[number].outputs != nil else { return refuse(number, ": outputs is null") }
    }
    return share(Job(count: count, mixed: images))
  }

  private func refuse(_ number: Int, _ reason: StaticString) -> vit_status {
    var error = ErrorText(pointee.program)
    error.append("images[")
    error.append(number)
    error.append("]")
    error.append(reason)
    return VIT_INVALID_ARGUMENT
  }

  /// Runs whole images, below `limit` of a mixed run, as long as there are any: each task takes the
  /// next one when it is through with its last, since sizes take times of their own.
  func runMixed(task: Int32, below limit: Int) {
    while true {
      let image = pointee.next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard image < limit else { return }
      runWhole(task: task, image: image)
    }
  }
}
