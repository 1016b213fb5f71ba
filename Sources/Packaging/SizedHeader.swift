/// The part of NAME.h on a model for images of several sizes; empty for any other.
struct SizedHeader {
  private let model: ModelInterface

  init(_ model: ModelInterface) { self.model = model }

  private var name: String { model.name }
  /// The prefix of constants.
  private var upper: String { model.name.uppercased() }

  var text: String {
    guard !model.furtherSizes.isEmpty else { return "" }
    let sizes = model.sizes
    return """
      /* ---- Images of several sizes ----
       *
       * The functions above run and make images of the first size. Those below take the number of a
       * size, its place in this list; another is \(upper)_INVALID_ARGUMENT. A model,
       * a context and a self-test are of all sizes, over the same weights.
       *
       \(table)
       */
      #define \(upper)_SIZES \(sizes.count)
      \(constants)

      /* One image of a run of several sizes. */
      typedef struct \(name)_sized_image {
        const float *image;   /* [channels, height, width] of its size, aligned to 4 bytes */
        void *const *outputs; /* \(upper)_OUTPUTS places, of this image; null: not wanted */
        int32_t size;
        int32_t reserved; /* 0 */
      } \(name)_sized_image;

      /* What the model is for each size: \(upper)_SIZES descriptions, the first that of
       * \(name)_description, then NULL. They differ in the shapes of input and outputs, flops,
       * arena_bytes and json, of which the first alone has the labels. */
      const \(name)_info *const *\(name)_sizes(void);

      /* As \(name)_run, for images of a size. */
      \(name)_status \(name)_run_sized(\(name)_context *context, int32_t size,
                                       const float *images, size_t count, void *output);

      /* As \(name)_run_all, for images of a size. */
      \(name)_status \(name)_run_all_sized(\(name)_context *context, int32_t size,
                                           const float *images, size_t count,
                                           void *const *outputs);

      /* Runs `count` images of any sizes, at least one, without padding: as many whole images at a
       * time as there are threads, what remains by teams of threads. The bits are those of each
       * image run by itself. */
      \(name)_status \(name)_run_mixed(\(name)_context *context,
                                       const \(name)_sized_image *images, size_t count);

      /* As \(name)_preprocess, for an image of a size. */
      \(name)_status \(name)_preprocess_sized(const uint8_t *rgb, int32_t width, int32_t height,
                                              size_t row_bytes, int32_t size, float *image);

      /* Writes which size the checkpoint's preprocessing makes of a picture of width x height
       * pixels: the first, unless the checkpoint goes by the picture's extents. Then a picture
       * whose size is not among these is \(upper)_INVALID_ARGUMENT. */
      \(name)_status \(name)_size_for(int32_t width, int32_t height, int32_t *size);

      """
  }

  /// A line for each size: number, height x width, outputs.
  private var table: String {
    model.sizes.enumerated().map { number, size in
      let outputs = size.outputs.map { output in
        "\(output.name) [\(output.shape.map(String.init).joined(separator: ", "))]"
      }
      return "* \(number): \(size.image.dropFirst().map(String.init).joined(separator: " x ")), "
        + HeaderWriter.comment(outputs.joined(separator: ", "))
    }.joined(separator: "\n ")
  }

  /// Of each size its number, by its extents, and the elements of one image and of its outputs.
  private var constants: String {
    model.sizes.enumerated().map { number, size in
      let title = "\(upper)_SIZE_" + size.image.dropFirst().map(String.init).joined(separator: "X")
      let counts = size.outputs.map { output in
        let word = ExportedSymbols.name(from: output.name).uppercased()
        return "#define \(title)_\(word)_COUNT \(output.elements)"
      }
      return
        (["#define \(title) \(number)", "#define \(title)_IMAGE_COUNT \(size.elements)"]
        + counts).joined(separator: "\n")
    }.joined(separator: "\n")
  }
}
