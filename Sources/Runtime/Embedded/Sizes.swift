import CVitSystem

// A compiled model is one program for each size of its images, all over the same weights: the first
// one, and those that it lists as further ones. A model for images of one size is the case without
// further ones.

extension UnsafePointer where Pointee == vit_program {
  /// How many sizes there are.
  var sizeCount: Int { 1 &+ Int(max(0, pointee.further_count)) }

  /// The program of a size, of which there are `sizeCount`.
  func size(_ index: Int) -> UnsafePointer<vit_program> {
    guard index > 0, index < sizeCount, let further = pointee.further?[index &- 1] else {
      return self
    }
    return further
  }

  /// Whether a caller's number is that of a size; `false` with a text if not.
  func hasSize(_ index: Int32) -> Bool {
    if index >= 0, Int(index) < sizeCount { return true }
    var error = ErrorText(self)
    error.append("size is ")
    error.append(Int(index))
    error.append(", expected 0 to ")
    error.append(sizeCount &- 1)
    return false
  }

  /// The threads beyond which an image gets no faster, of any size.
  var profitableThreads: Int32 {
    var most: Int32 = 0
    for index in 0..<sizeCount {
      let threads = size(index).pointee.profitable_threads
      most = max(most, threads > 0 ? threads : Options.mostThreads)
    }
    return most
  }

  /// Height and width of the images; 0 where they are none.
  var extents: (height: Int, width: Int) {
    guard let shape = pointee.description?.pointee.input.shape else { return (0, 0) }
    return (Int(truncatingIfNeeded: shape.1), Int(truncatingIfNeeded: shape.2))
  }

  /// The number of elements of one input.
  var inputElements: Int {
    Int(truncatingIfNeeded: pointee.description?.pointee.input.elements ?? 0)
  }

  /// The memory of all outputs of one image, each at a multiple of two cache lines.
  var outputsExtent: Extent {
    var extent = Extent()
    guard let description = pointee.description else { return extent }
    for i in 0..<Int(description.pointee.output_count) {
      _ = extent.add(description.pointee.outputs[i].bytes)
    }
    return extent
  }

  /// Finds which size the model's preprocessing makes of a picture.
  ///
  /// NaFlex's rule and DPT's decide by its extents; all others make images of the first size.
  func findSize(width: Int32, height: Int32, _ size: UnsafeMutablePointer<Int32>) -> vit_status {
    guard let recipe = pointee.preprocessing else {
      return fail(self, VIT_INVALID_ARGUMENT, "the model was compiled without preprocessing")
    }
    if let refusal = recipe.pointee.refusal {
      return refuse(refusal)
    }
    guard width > 0, height > 0 else { return refuse(width: width, height: height) }
    size.pointee = 0
    guard ResizedSize.dependsOnPicture(recipe.pointee) else { return VIT_OK }
    let state = vit_float_enter()
    let resized = ResizedSize(recipe.pointee, width: Int(width), height: Int(height))
    vit_float_leave(state)
    for index in 0..<sizeCount {
      let (rows, columns) = self.size(index).extents
      if rows == resized.height, columns == resized.width {
        size.pointee = Int32(truncatingIfNeeded: index)
        return VIT_OK
      }
    }
    var error = ErrorText(self)
    error.append("a picture of ")
    error.append(Int(width))
    error.append(" x ")
    error.append(Int(height))
    error.append(" pixels becomes ")
    error.append(resized.height)
    error.append(" x ")
    error.append(resized.width)
    error.append(
      " pixels (height x width), which is none of the sizes that the model is compiled for")
    return VIT_INVALID_ARGUMENT
  }

  /// The status of a model that preprocesses no pictures, with its text.
  func refuse(_ reason: UnsafePointer<CChar>) -> vit_status {
    var error = ErrorText(self)
    error.append("images cannot be preprocessed: ")
    error.append(text: reason)
    return VIT_INVALID_ARGUMENT
  }

  /// The status of a picture without pixels, with its text.
  func refuse(width: Int32, height: Int32) -> vit_status {
    var error = ErrorText(self)
    error.append("picture is ")
    error.append(Int(width))
    error.append(" x ")
    error.append(Int(height))
    error.append(" pixels, expected at least 1 x 1")
    return VIT_INVALID_ARGUMENT
  }
}
