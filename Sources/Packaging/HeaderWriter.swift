import Diagnostics

/// Writes NAME.h, which is also the manual of a compiled model: C99 and C++, every name under the
/// model's prefix, so that the headers of any number of models go into one file.
///
/// The layouts are those of vit_abi.h, whose comments hold for both.
public struct HeaderWriter {
  private let model: ModelInterface

  /// Creates a writer.
  public init(_ model: ModelInterface) { self.model = model }

  /// What the first line of every header holds.
  static let mark = ", compiled by vitc "

  private var name: String { model.name }
  private var words: InputWords { InputWords(model) }
  /// The prefix of constants.
  private var upper: String { model.name.uppercased() }

  /// The whole header.
  public var text: String {
    [
      opening, constants, status, types, functions, SizedHeader(model).text,
      "#ifdef __cplusplus\n}\n#endif\n\n#endif /* \(upper)_H */\n",
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// Keeps text from outside from ending a comment, and from showing another code than there is.
  private func comment(_ text: String) -> String { HeaderWriter.comment(text) }

  /// The same for the other files that are written beside a header.
  static func comment(_ text: String) -> String {
    PlainText.escaped(text.replacing("\n", with: " "))
      .replacing("*/", with: "* /").replacing("/*", with: "/ *").replacing("\n", with: " ")
  }

  /// Those of the size that needs most.
  private var arenaBytes: Int { model.sizes.map(\.arenaBytes).max() ?? model.arenaBytes }

  private func shape(_ shape: [Int]) -> String {
    "[" + shape.map(String.init).joined(separator: ", ") + "]"
  }

  private var opening: String {
    let weights =
      model.weightsFileName.map {
        "in the file \(comment($0)), which must be beside the library (or see weights_path)"
      } ?? "inside the library, mapped and shared between processes"
    let numerics = model.numerics.map { "\n * Numerics: \(comment($0))" } ?? ""
    let precision = model.precision.map { "\n * Products: \(comment($0)), sums in f32" } ?? ""
    return """
      /* \(name): \(comment(model.model))\(HeaderWriter.mark)\(comment(model.compilerVersion)).
       *
       * Target:   \(comment(model.target))
       * Weights:  \(model.parameters) parameters, \(model.weightsBytes) bytes packed,
       *           \(weights);
       *           XXH3-128 \(model.weightsHash)
       * Work:     \(model.flops) floating-point operations for one \(words.one)\
      \(numerics)\(precision)
       * Memory:   \(arenaBytes) bytes of activations for each \(words.one) in work
       *
       * Use:
       *
       *   \(name)_model *model;
       *   \(name)_context *context;
       *   if (\(name)_create(NULL, &model) != \(upper)_OK) return fail(\(name)_last_error());
       *   if (\(name)_context_create(model, &context) != \(upper)_OK) ...
       *   \(name)_\(words.run)(context, \(words.array), 1, output);
       *   \(name)_context_destroy(context);
       *   \(name)_destroy(model);
       *
       * Threads: a model may be used by any number of threads at once. A context is for one run at
       * a time: give each thread its own. Contexts share the model's weights. After fork(), a child
       * makes its own contexts; models stay usable.
       * Results: the same bits from run to run, for any number of threads, for one \(words.one)
       * alone or in a batch; between instruction sets they differ by rounding.
       * Floating point: computed in the default state (to nearest, with subnormal numbers, without
       * signals), whatever the calling thread's is. That is the same after each call, exception
       * flags included: no call raises one.
       * Memory: \(name)_\(words.run) allocates nothing, takes no lock and touches no file.
       * Nothing here aborts or prints: every function that can fail returns a status.
       * Proof: `vitc verify` compares the weights with the hash above, `vitc selftest` and
       * \(name)_selftest run one \(words.one) whose outputs are known.
       */
      #ifndef \(upper)_H
      #define \(upper)_H

      #include <stddef.h>
      #include <stdint.h>

      #ifdef __cplusplus
      extern "C" {
      #endif

      """
  }

  private var inputConstants: String {
    if let tokens = model.tokens {
      return """
        /* One input text: tokens, [length], from 0 to vocabulary - 1; a text without end-of-text,
         * where the model looks for one, is refused as well. */
        #define \(upper)_LENGTH \(model.image.first ?? 0) /* tokens of one text */
        #define \(upper)_VOCABULARY \(tokens)
        """
    }
    let (channels, height, width) =
      model.image.count == 3 ? (model.image[0], model.image[1], model.image[2]) : (0, 0, 0)
    return """
      /* One input image: planar floats, [channels, height, width]. */
      #define \(upper)_CHANNELS \(channels)
      #define \(upper)_HEIGHT \(height)
      #define \(upper)_WIDTH \(width)
      #define \(upper)_IMAGE_COUNT \(channels * height * width) /* floats of one image */
      """
  }

  private var constants: String {
    var text = """
      \(inputConstants)

      /* The outputs, elements for one \(words.one); the first is what
       * \(name)_\(words.run) writes. They are floats where nothing else is said. */
      #define \(upper)_OUTPUTS \(model.outputs.count)

      """
    for output in model.outputs {
      let word = ExportedSymbols.name(from: output.name).uppercased()
      let type = output.isHalf ? ", IEEE 754 binary16, 2 bytes each" : ""
      text +=
        "#define \(upper)_\(word)_COUNT \(output.elements) /* \(shape(output.shape))\(type) */\n"
    }
    if let scores = model.scores {
      text += """

        /* What makes scores of logits x: \(comment(scores.formula)). */
        #define \(upper)_SCORES \"\(scores.function)\"

        """
    }
    return text
  }

  private var status: String {
    """
    /* What every call that can fail returns. */
    typedef int32_t \(name)_status;
    #define \(upper)_OK 0
    #define \(upper)_INVALID_ARGUMENT 1   /* a null pointer, a zero count, a size out of range */
    #define \(upper)_OUT_OF_MEMORY 2      /* for a model, a context or preprocessing */
    #define \(upper)_WEIGHTS_UNREADABLE 3 /* the weights file is absent or cannot be mapped */
    #define \(upper)_WEIGHTS_MISMATCH 4   /* the weights file is another model's, or damaged */
    #define \(upper)_NO_THREADS 5         /* the system refused to start threads */
    #define \(upper)_UNSUPPORTED_CPU 6    /* this processor lacks what the code needs */
    #define \(upper)_SELFTEST_FAILED 7    /* a run differs from the self-test values */
    #define \(upper)_NO_SELFTEST 8          /* there are no self-test values to compare with */

    """
  }

  private var types: String {
    """
    /* Weights and settings: immutable. */
    typedef struct \(name)_model \(name)_model;
    /* Memory and threads of one run at a time. */
    typedef struct \(name)_context \(name)_context;

    /* Runs task(argument, i) for every i in 0 ... count - 1, in any order, on any threads, and
     * returns when all are done. It may be left otherwise once no task is running:
     * - by a C++ exception, which passes through \(name)_\(words.run): the outputs hold anything
     *   then, and the context is ready for the next run;
     * - by longjmp: likewise, but the next run must be the same thread's. It is refused if it is
     *   called from deeper on the stack with 4 KB there that nobody wrote to: then make another
     *   context. This one can be destroyed in any case.
     * \(name)_selftest must not be left: it would not free the context that it makes. */
    typedef void (*\(name)_parallel_for)(void *context, int32_t count,
                                         void (*task)(void *argument, int32_t index),
                                         void *argument);

    /* Settings of \(name)_create. Zero the struct, then set size to sizeof(\(name)_options). */
    typedef struct \(name)_options {
      size_t size;      /* of this struct in bytes; later versions grow at the end */
      int32_t threads;  /* parts that a run is split into; 0: one for each processor that the
                           process may use, by its affinity and the quotas of its control groups,
                           but no more for one \(words.one) than pay */
      int32_t reserved; /* 0 */
      \(name)_parallel_for parallel_for; \
      /* NULL: each context has `threads - 1` threads of its own */
      void *parallel_for_context;        /* handed to parallel_for */
      const char *weights_path; /* NULL: embedded weights, or the file beside the library */
      const char *isa; /* the instruction set to run, one of: \(comment(model.isas)),
                          or what comes after its last hyphen; NULL: the one that the environment
                          variable VITC_ISA names, else the best that this processor runs */
      int32_t step_times; /* 1: contexts measure the time of each step: \(name)_context_stats */
      int32_t reserved2;  /* 0 */
    } \(name)_options;

    /* A tensor that crosses the interface: dense, row-major. */
    typedef struct \(name)_tensor {
      const char *name;  /* "images", "logits", "features", "pooler", "tokens" */
      const char *dtype; /* "f32" */
      int32_t rank;      /* for one image: the batch dimension is not counted */
      int32_t reserved;
      int64_t shape[4];
      uint64_t elements; /* for one image: the product of shape */
    } \(name)_tensor;

    /* What the model is. All pointers are valid as long as the library is loaded. */
    typedef struct \(name)_info {
      size_t size; /* of this struct in bytes */
      uint32_t abi_version;
      int32_t output_count;
      const char *name;             /* "\(name)" */
      const char *model;            /* the variant */
      const char *compiler_version; /* of vitc */
      const char *target;           /* triple and instruction sets */
      const char *weights_hash;     /* XXH3-128 of the packed weights, 32 hexadecimal digits */
      \(name)_tensor input;
      const \(name)_tensor *outputs; /* output_count of them */
      uint64_t parameters;
      uint64_t flops;         /* for one image, 2 for each multiply-add */
      uint64_t weights_bytes; /* packed */
      uint64_t arena_bytes;   /* of activations, for each image in work */
      const char *json;       /* everything else: preprocessing, labels, passes */
      const char *isas;       /* the instruction sets, the baseline first, with commas */
      const char *scores;     /* what makes scores of the logits: "softmax", "sigmoid" (of each by
                                 itself) or "identity"; NULL where there are no logits */
    } \(name)_info;

    /* What a self-test found. Set size to sizeof(\(name)_selftest_result). */
    typedef struct \(name)_selftest_result {
      size_t size;  /* of this struct in bytes */
      double error; /* the largest of |y - stored| / max(|stored|, the output's root mean square) */
      double limit; /* the largest error that passes */
    } \(name)_selftest_result;

    /* What a context did since it was made. Zero the struct, then set size to
     * sizeof(\(name)_stats). */
    typedef struct \(name)_stats {
      size_t size;          /* of this struct in bytes */
      uint64_t runs;        /* those that succeeded */
      uint64_t images;      /* \(words.many) of these runs */
      uint64_t nanoseconds; /* that these runs took */
      uint64_t *step_nanoseconds; /* NULL, or where step_capacity numbers may be written: of each
                                     step, in the order of `steps` in the description's JSON, the
                                     time that the calling thread spent on it, waiting for the
                                     others included. Of a batch the \(words.many) count that this
                                     thread had a share in. */
      int32_t step_capacity;
      int32_t step_count; /* written: how many steps there are; 0 without step_times */
    } \(name)_stats;

    \(pictureType)/* For generic loaders: the layout of vit_entry in vitc's vit_abi.h. */
    typedef struct \(name)_entry \(name)_entry;

    """
  }

  /// Of images alone.
  private var pictureType: String {
    guard model.tokens == nil else { return "" }
    return """
      /* A picture as an application has it. Zero the struct, then set size to
       * sizeof(\(name)_picture). */
      typedef struct \(name)_picture {
        size_t size;               /* of this struct in bytes */
        const uint8_t *pixels;     /* of the top row as it is stored; of NV12 the luma */
        const uint8_t *chroma;     /* of NV12: Cb and Cr in turn, for 2 x 2 pixels each */
        ptrdiff_t row_bytes;       /* from a row to the next; negative: from bottom to top */
        ptrdiff_t chroma_row_bytes; /* of NV12 the same of the chroma */
        int32_t width;             /* in pixels, as stored: before it is turned */
        int32_t height;
        int32_t format;      /* \(upper)_PICTURE_RGB ... */
        int32_t orientation; /* EXIF's, 1 to 8: it is turned upright first; 0: it is upright */
        int32_t input;       /* which of the model's sizes of input it is for; 0: the first */
        int32_t reserved;    /* 0 */
      } \(name)_picture;
      #define \(upper)_PICTURE_RGB 0
      #define \(upper)_PICTURE_BGR 1
      #define \(upper)_PICTURE_RGBA 2 /* colours not multiplied by alpha, which is
                                        dropped, or the picture put on white, as the
                                        checkpoint's library does */
      #define \(upper)_PICTURE_BGRA 3
      #define \(upper)_PICTURE_GREY 4 /* one byte a pixel */
      #define \(upper)_PICTURE_NV12 5 /* BT.601, narrow range: luma 16 ... 235 */


      """
  }

  /// What a run reads.
  private var inputNote: String {
    model.tokens == nil
      ? """
      images: count * \(upper)_IMAGE_COUNT floats, [count, channels, height, width], as
       *   \(name)_preprocess makes them; aligned to 4 bytes, not written.
      """
      : """
      ids: count * \(upper)_LENGTH tokens, [count, length], aligned to 4 bytes, not written; one
       *   that is not in the vocabulary is \(upper)_INVALID_ARGUMENT, and nothing is run.
      """
  }

  /// Of images alone.
  private var preprocess: String {
    guard model.tokens == nil else { return "" }
    let recipe =
      model.preprocessing.map { comment($0) } ?? "none was recorded: always an error"
    return """
      /* Makes one image of the model's input from an RGB picture of any size.
       * Here: \(recipe).
       * rgb: 3 bytes a pixel, red first; width and height in pixels; row_bytes from one row to the
       *   next, at least 3 * width.
       * image: \(upper)_IMAGE_COUNT floats, written.
       * Allocates memory and frees it; may be called from any thread. */
      \(name)_status \(name)_preprocess(const uint8_t *rgb, int32_t width, int32_t height,
                                        size_t row_bytes, float *image);

      /* The same of a picture of any of the formats, turned upright: the pixels that PIL's
       * convert("RGB") and exif_transpose give, then as above. */
      \(name)_status \(name)_preprocess_picture(const \(name)_picture *picture, float *image);

      /* The same of `count` pictures, on the context's threads.
       * images: count * \(upper)_IMAGE_COUNT floats, written.
       * The text of a failure names the first picture that failed, from 0. */
      \(name)_status \(name)_preprocess_pictures(\(name)_context *context,
                                                 const \(name)_picture *pictures,
                                                 size_t count, float *images);

      """
  }

  /// Of text towers alone that hold a tokenizer.
  private var tokenize: String {
    guard let tokenizer = model.tokenizer else { return "" }
    return """

      /* Makes of a text the ids that \(name)_\(words.run) reads, by the checkpoint's own tokenizer
       * (\(comment(tokenizer))): with the tokens around the text, padded, or cut at
       * \(upper)_LENGTH, as the library that the checkpoint comes from does.
       * text: UTF-8, text_bytes bytes, which need not end with a zero byte; what is not UTF-8 is
       *   \(upper)_INVALID_ARGUMENT.
       * ids: \(upper)_LENGTH of them, written.
       * whole_count: how many ids the whole text has, without padding; the text was cut if these
       *   are more than \(upper)_LENGTH. NULL if not wanted.
       * Allocates memory and frees it; needs no model; may be called from any thread. */
      \(name)_status \(name)_tokenize(const char *text, size_t text_bytes, int32_t *ids,
                                      size_t *whole_count);

      """
  }

  private var functions: String {
    let first = model.outputs.first
    let firstCount =
      first.map { "\(upper)_\(ExportedSymbols.name(from: $0.name).uppercased())_COUNT" } ?? "0"
    return """
      /* Makes a model. `options` may be NULL: all defaults. On failure *model is NULL.
       * The caller owns the model and ends it with \(name)_destroy. */
      \(name)_status \(name)_create(const \(name)_options *options, \(name)_model **model);

      /* Ends the caller's use of a model; NULL is allowed. Contexts keep what they need of it, so
       * the order of destruction does not matter. */
      void \(name)_destroy(\(name)_model *model);

      /* Makes a context: all memory and threads that runs need. On failure *context is NULL.
       * The caller owns the context and ends it with \(name)_context_destroy. */
      \(name)_status \(name)_context_create(\(name)_model *model, \(name)_context **context);

      /* Ends a context that is not in a run; NULL is allowed. */
      void \(name)_context_destroy(\(name)_context *context);

      /* Runs `count` \(words.many), at least one.
       * \(inputNote)
       * output: count * \(firstCount) elements, written; must not overlap
       *   \(words.array): the first output\
      \(first.map { " (\(comment($0.name)))" } ?? ""). */
      \(name)_status \(name)_\(words.run)(\(name)_context *context,
                                 const \(words.element) *\(words.array), size_t count,
                                 void *output);

      /* As \(name)_\(words.run), for all outputs: outputs[i] is the place of output i,
       * [count, its shape], or NULL where it is not wanted. */
      \(name)_status \(name)_\(words.runAll)(\(name)_context *context,
                                     const \(words.element) *\(words.array), size_t count,
                                     void *const *outputs);

      \(preprocess)\(tokenize)
      /* What the calling thread's last failing call had to say, in English; "" before any. Valid
       * until the thread's next failing call. */
      const char *\(name)_last_error(void);

      /* The instruction set that `model` runs, such as "\(comment(model.baselineISA))"; for NULL,
       * the one that a model made now with default options would run, or NULL if this processor
       * runs none. Registers that the kernel grants on request are taken for granted. */
      const char *\(name)_isa(const \(name)_model *model);

      /* Runs one made-up \(words.one) with `model` and compares the outputs with values that vitc
       * computed when it made this library: for a service to call before it takes requests, on a
       * new machine or after an update. Takes as long as making a context and running one
       * \(words.one).
       * result: the error and its limit, if the \(words.one) was run; NULL if not wanted.
       * \(upper)_SELFTEST_FAILED: weights were damaged, or this machine computes something else.
       * \(upper)_NO_SELFTEST: it has no known \(words.one); vitc said why.
       *
       *   \(name)_selftest_result test = {.size = sizeof test};
       *   if (\(name)_selftest(model, &test) != \(upper)_OK) return fail(\(name)_last_error());
       *   printf("error %g, limit %g\\n", test.error, test.limit);
       *
       * In Swift, with vitc's VitRuntime:
       *
       *   let test = try VitModel(path: "lib\(name).so").selftest()
       *   guard test.passed else { throw Refusal("error \\(test.error), limit \\(test.limit)") } */
      \(name)_status \(name)_selftest(\(name)_model *model, \(name)_selftest_result *result);

      /* What `context` did since it was made; not during its run. */
      \(name)_status \(name)_context_stats(\(name)_context *context, \(name)_stats *stats);

      /* What the model is. Never NULL, never freed. */
      const \(name)_info *\(name)_description(void);

      /* All of the above in one table, for programs that load any model. Never NULL. */
      const \(name)_entry *\(name)_vitc_entry(void);

      """
  }
}
