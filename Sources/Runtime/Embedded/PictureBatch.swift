import CVitSystem
import Synchronization

/// Pictures that the tasks of a context preprocess, each as many as there are for it.
struct PictureBatch {
  /// The first; each is as long as it says itself.
  let pictures: UnsafePointer<vit_picture>
  let images: UnsafeMutablePointer<Float>
  let count: Int
  /// Of one image.
  let elements: Int
  /// The size of input that all are for.
  let input: Int32

  /// Writes image `index`, from any thread.
  func write(_ index: Int, _ program: UnsafePointer<vit_program>) -> vit_status {
    let place = UnsafeRawPointer(pictures) + index &* pictures.pointee.size
    let picture = place.assumingMemoryBound(to: vit_picture.self)
    guard picture.pointee.input == input else {
      var error = ErrorText(program)
      error.append("picture.input is ")
      error.append(Int(picture.pointee.input))
      error.append(", that of the first picture ")
      error.append(Int(input))
      return VIT_INVALID_ARGUMENT
    }
    return Picture.write(program, picture, images + index &* elements)
  }
}

extension UnsafeMutablePointer where Pointee == Context {
  /// Preprocesses pictures on the threads of the context; returns when their images are written.
  func preprocess(
    _ pictures: UnsafePointer<vit_picture>?, _ count: Int, _ images: UnsafeMutablePointer<Float>?
  ) -> vit_status {
    let program = pointee.program
    guard let pictures else {
      return fail(program, VIT_INVALID_ARGUMENT, "pictures is null")
    }
    guard let images else { return fail(program, VIT_INVALID_ARGUMENT, "images is null") }
    guard count != 0 else {
      return fail(program, VIT_INVALID_ARGUMENT, "count is 0, expected at least one picture")
    }
    let size = pictures.pointee.size
    // All have the input size of the first; one that is none is refused when it is written.
    let input = size < MemoryLayout<vit_picture>.size ? 0 : pictures.pointee.input
    let elements = max(1, program.size(Int(input)).inputElements)
    guard count > 0, count <= (1 << 46) / elements,
      size >= MemoryLayout<vit_picture>.size, size <= Options.mostBytes
    else {
      var error = ErrorText(program)
      error.append("count is ")
      error.append(bytes: count)
      error.append(" and pictures[0].size ")
      error.append(bytes: size)
      error.append(", expected at most what memory can hold, and sizeof of the picture struct, ")
      error.append(MemoryLayout<vit_picture>.size)
      return VIT_INVALID_ARGUMENT
    }
    let batch = PictureBatch(
      pictures: pictures, images: images, count: count, elements: elements,
      input: input)
    var job = Job()
    job.pictures = batch
    job.count = count
    let status = share(job)
    guard status == VIT_OK else { return status }
    // What another thread had to say is in its own buffer; the first that failed fails again here.
    let failed = pointee.failedPicture.load(ordering: .acquiring)
    if failed < count {
      for index in failed..<count {
        let status = batch.write(index, program)
        if status != VIT_OK { return name(index, status) }
      }
    }
    return VIT_OK
  }

  /// What a task does: every picture whose number is its own, up to one that fails.
  func writePictures(_ batch: PictureBatch, task: Int32) {
    var index = Int(task)
    while index < batch.count {
      if batch.write(index, pointee.program) != VIT_OK {
        // The least number counts.
        var known = pointee.failedPicture.load(ordering: .relaxed)
        while index < known {
          let (exchanged, found) = pointee.failedPicture.weakCompareExchange(
            expected: known, desired: index, ordering: .acquiringAndReleasing)
          if exchanged { break }
          known = found
        }
        return
      }
      index &+= Int(pointee.job.tasks)
    }
  }

  /// Puts the number of a picture before the text of its failure.
  private func name(_ index: Int, _ status: vit_status) -> vit_status {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(VIT_ERROR_BYTES)) { copy in
      guard let text = pointee.program.pointee.error_text?(), let place = copy.baseAddress else {
        return status
      }
      for i in 0..<Int(VIT_ERROR_BYTES) { place[i] = text[i] }
      var error = ErrorText(pointee.program)
      error.append("picture ")
      error.append(index)
      error.append(": ")
      error.append(text: place)
      return status
    }
  }
}
