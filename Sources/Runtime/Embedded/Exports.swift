import CVitSystem

// The functions of vit_abi.h that generated code calls. `@implementation` makes the compiler
// compare each with the prototype in the header. Generated code always passes its program; the
// checks are for what a model's user passes.

/// Makes a model: see NAME_create in a model's header.
@c @implementation
public func vit_rt_create(
  _ program: UnsafePointer<vit_program>!, _ options: UnsafePointer<vit_options>!,
  _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let model else { return fail(program, VIT_INVALID_ARGUMENT, "model is null") }
  model.pointee = nil
  return Model.create(program, options, model)
}

/// Ends the use of a model.
@c @implementation
public func vit_rt_destroy(_ model: OpaquePointer!) {
  guard let model else { return }
  UnsafeMutablePointer<Model>(model).release()
}

/// Makes a context of a model.
@c @implementation
public func vit_rt_context_create(
  _ program: UnsafePointer<vit_program>!, _ model: OpaquePointer!,
  _ context: UnsafeMutablePointer<OpaquePointer?>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  context.pointee = nil
  guard let model else { return fail(program, VIT_INVALID_ARGUMENT, "model is null") }
  return Context.create(program, UnsafeMutablePointer<Model>(model), context)
}

/// Ends a context.
@c @implementation
public func vit_rt_context_destroy(_ context: OpaquePointer!) {
  guard let context else { return }
  UnsafeMutablePointer<Context>(context).destroy()
}

/// Runs images for the first output.
@c @implementation
public func vit_rt_run(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!,
  _ images: UnsafePointer<Float>!, _ count: Int, _ output: UnsafeMutableRawPointer!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  guard let output else { return fail(program, VIT_INVALID_ARGUMENT, "output is null") }
  return UnsafeMutablePointer<Context>(context).run(
    Job(program: program, images: images, count: count, first: output))
}

/// Runs images for all outputs.
@c @implementation
public func vit_rt_run_all(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!,
  _ images: UnsafePointer<Float>!, _ count: Int,
  _ outputs: UnsafePointer<UnsafeMutableRawPointer?>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  guard let outputs else { return fail(program, VIT_INVALID_ARGUMENT, "outputs is null") }
  return UnsafeMutablePointer<Context>(context).run(
    Job(program: program, images: images, count: count, all: outputs))
}

/// Runs images of a size for the first output.
@c @implementation
public func vit_rt_run_sized(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!, _ size: Int32,
  _ images: UnsafePointer<Float>!, _ count: Int, _ output: UnsafeMutableRawPointer!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard program.hasSize(size) else { return VIT_INVALID_ARGUMENT }
  return vit_rt_run(program.size(Int(size)), context, images, count, output)
}

/// Runs images of a size for all outputs.
@c @implementation
public func vit_rt_run_all_sized(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!, _ size: Int32,
  _ images: UnsafePointer<Float>!, _ count: Int,
  _ outputs: UnsafePointer<UnsafeMutableRawPointer?>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard program.hasSize(size) else { return VIT_INVALID_ARGUMENT }
  return vit_rt_run_all(program.size(Int(size)), context, images, count, outputs)
}

/// Runs images of several sizes.
@c @implementation
public func vit_rt_run_mixed(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!,
  _ images: UnsafePointer<vit_sized_image>!, _ count: Int
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  guard let images else { return fail(program, VIT_INVALID_ARGUMENT, "images is null") }
  return UnsafeMutablePointer<Context>(context).run(mixed: images, count: count)
}

/// Ends a run that an exception leaves.
@c @implementation
public func vit_rt_leave(_ context: OpaquePointer!) {
  guard let context else { return }
  UnsafeMutablePointer<Context>(context).end()
}

/// Makes an input image from an RGB picture.
@c @implementation
public func vit_rt_preprocess(
  _ program: UnsafePointer<vit_program>!, _ rgb: UnsafePointer<UInt8>!, _ width: Int32,
  _ height: Int32, _ row_bytes: Int, _ image: UnsafeMutablePointer<Float>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  return Picture.write(
    program, rgb: rgb, width: width, height: height, rowBytes: row_bytes, size: 0, image)
}

/// Makes an input image from a picture.
@c @implementation
public func vit_rt_preprocess_picture(
  _ program: UnsafePointer<vit_program>!, _ picture: UnsafePointer<vit_picture>!,
  _ image: UnsafeMutablePointer<Float>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  return Picture.write(program, picture, image)
}

/// Makes input images from pictures, on the threads of a context.
@c @implementation
public func vit_rt_preprocess_pictures(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!,
  _ pictures: UnsafePointer<vit_picture>!, _ count: Int, _ images: UnsafeMutablePointer<Float>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  return UnsafeMutablePointer<Context>(context).preprocess(pictures, count, images)
}

/// Says what a context did.
@c @implementation
public func vit_rt_context_stats(
  _ program: UnsafePointer<vit_program>!, _ context: OpaquePointer!,
  _ stats: UnsafeMutablePointer<vit_context_stats>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let context else { return fail(program, VIT_INVALID_ARGUMENT, "context is null") }
  return UnsafeMutablePointer<Context>(context).write(stats)
}

/// Makes an input image of a size from an RGB picture.
@c @implementation
public func vit_rt_preprocess_sized(
  _ program: UnsafePointer<vit_program>!, _ rgb: UnsafePointer<UInt8>!, _ width: Int32,
  _ height: Int32, _ row_bytes: Int, _ size: Int32, _ image: UnsafeMutablePointer<Float>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard program.hasSize(size) else { return VIT_INVALID_ARGUMENT }
  return Picture.write(
    program, rgb: rgb, width: width, height: height, rowBytes: row_bytes, size: size, image)
}

/// Finds the size that a picture is made to.
@c @implementation
public func vit_rt_size_for(
  _ program: UnsafePointer<vit_program>!, _ width: Int32, _ height: Int32,
  _ size: UnsafeMutablePointer<Int32>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let size else { return fail(program, VIT_INVALID_ARGUMENT, "size is null") }
  return program.findSize(width: width, height: height, size)
}

/// Names the instruction set that a model runs.
@c @implementation
public func vit_rt_isa(
  _ program: UnsafePointer<vit_program>!, _ model: OpaquePointer!
) -> UnsafePointer<CChar>! {
  guard let program else { return nil }
  var chosen: Int32?
  if let model {
    chosen = UnsafeMutablePointer<Model>(model).pointee.isa
  } else {
    _ = InstructionSet.choose(program, named: nil, isUsed: false, into: &chosen)
  }
  return chosen.flatMap { InstructionSet.isa(program, $0)?.pointee.name }
}

/// Compares a run with the library's self-test values.
@c @implementation
public func vit_rt_selftest(
  _ program: UnsafePointer<vit_program>!, _ model: OpaquePointer!,
  _ result: UnsafeMutablePointer<vit_selftest_result>!
) -> vit_status {
  guard let program else { return VIT_INVALID_ARGUMENT }
  guard let model else { return fail(program, VIT_INVALID_ARGUMENT, "model is null") }
  return SelfTest.run(program, UnsafeMutablePointer<Model>(model), result)
}
