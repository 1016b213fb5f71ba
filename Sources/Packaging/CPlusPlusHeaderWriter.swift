import Diagnostics

/// Writes NAME.hpp: the C interface as C++20 has such things.
///
/// Objects own models and contexts, spans say their sizes, failures are exceptions. It is a header
/// only: the library exports C alone, so no standard library of C++ is fixed.
public struct CPlusPlusHeaderWriter {
  private let model: ModelInterface

  /// Creates a writer.
  public init(_ model: ModelInterface) { self.model = model }

  private var name: String { model.name }
  private var words: InputWords { InputWords(model) }
  private var isText: Bool { model.tokens != nil }
  private var sized: SizedCPlusPlus {
    SizedCPlusPlus(model, outputs: outputs.map(\.name), firstType: outputs.first?.type ?? "float")
  }
  /// The type of what is read.
  private var element: String { isText ? "::std::int32_t" : "float" }
  private var upper: String { model.name.uppercased() }
  /// The inner namespace: no keyword.
  private var space: String { CPlusPlusHeaderWriter.identifier(name) }

  /// The whole header.
  public var text: String {
    [opening, constants, values, modelClass, contextClass, ending].joined(separator: "\n")
  }

  private var opening: String {
    """
    /* \(name): \(HeaderWriter.comment(model.model))\(HeaderWriter.mark)\
    \(HeaderWriter.comment(model.compilerVersion)).
     *
     * \(name).h in C++20; that header is the manual. Everything is in namespace vit::\(space).
     *
     *   vit::\(space)::model model;                        // throws vit::\(space)::error
     *   vit::\(space)::context context(model);             // one a thread
     *   \(example)
     *   auto output = context.run(\(words.one));
     *
     * Models and contexts can be moved, not copied, and destroyed in any order.
     */
    #ifndef \(upper)_HPP
    #define \(upper)_HPP

    #include "\(name).h"

    #include <cstddef>
    #include <cstdint>
    #include <limits>
    #include <memory>
    #include <span>
    #include <stdexcept>
    #include <string>
    #include <string_view>
    #include <utility>
    #include <vector>

    namespace vit {
    namespace \(space) {

    """
  }

  /// How one input comes about.
  private var example: String {
    isText
      ? model.tokenizer == nil
        ? "std::vector<std::int32_t> text = ...;"
        : "std::vector<std::int32_t> text = vit::\(space)::tokenize(\"a photo of a cat\");"
      : "std::vector<float> image = vit::\(space)::preprocess(rgb, width, height);"
  }

  private var inputConstants: String {
    guard !isText else {
      return """
        /* One input text: tokens, [length], from 0 to vocabulary - 1. */
        inline constexpr ::std::size_t length = \(upper)_LENGTH;
        inline constexpr ::std::int32_t vocabulary = \(upper)_VOCABULARY;
        """
    }
    return """
      /* One input image: planar floats, [channels, height, width]. */
      inline constexpr ::std::size_t image_channels = \(upper)_CHANNELS;
      inline constexpr ::std::size_t image_height = \(upper)_HEIGHT;
      inline constexpr ::std::size_t image_width = \(upper)_WIDTH;
      inline constexpr ::std::size_t image_count = \(upper)_IMAGE_COUNT;
      """
  }

  private var constants: String {
    var text = """
      \(inputConstants)

      /* The outputs: elements for one image; the first is what context::run returns. */

      """
    for output in outputs {
      text += "inline constexpr ::std::size_t \(output.name)_count = \(output.count);\n"
    }
    if model.outputs.contains(where: \.isHalf) {
      text += """

        /* The bits of an IEEE 754 binary16. */
        using half = ::std::uint16_t;

        """
    }
    if model.scores != nil {
      text += """

        /* What makes scores of logits; see \(upper)_SCORES. */
        inline constexpr ::std::string_view scores = \(upper)_SCORES;

        """
    }
    return text
  }

  private var values: String {
    """
    /* A call that failed: the library's text, and its status, such as \(upper)_OUT_OF_MEMORY. */
    class error : public ::std::runtime_error {
     public:
      error(\(name)_status status, const ::std::string &text)
          : ::std::runtime_error(text), status_(status) {}
      \(name)_status status() const noexcept { return status_; }

     private:
      \(name)_status status_;
    };

    namespace detail {

    inline void check(\(name)_status status) {
      if (status != \(upper)_OK) throw error(status, \(name)_last_error());
    }

    /* Throws unless a span has as many floats as it should. */
    inline void check_size(const char *what, ::std::size_t found, ::std::size_t expected) {
      if (found != expected)
        throw error(\(upper)_INVALID_ARGUMENT, ::std::string(what) + " has " +
                                              ::std::to_string(found) + " floats, expected " +
                                              ::std::to_string(expected));
    }

    }  // namespace detail

    /* How a model runs; see \(name)_options. */
    struct options {
      ::std::int32_t threads = 0; /* 0: one for each processor that the process may use */
      ::std::string weights_path; /* empty: embedded weights, or the file beside the library */
      ::std::string isa;          /* empty: the best that this processor runs */
      \(name)_parallel_for parallel_for = nullptr;
      void *parallel_for_context = nullptr;
      bool step_times = false; /* measure the time of each step: context::stats */
    };

    /* What a context did since it was made; see \(name)_stats. */
    struct stats {
      ::std::uint64_t runs = 0;
      ::std::uint64_t images = 0;
      ::std::uint64_t nanoseconds = 0;
      ::std::vector<::std::uint64_t> step_nanoseconds; /* empty without options::step_times */
    };

    /* What a self-test found. */
    struct selftest_result {
      double error = 0;
      double limit = 0;
      bool passed() const noexcept { return error <= limit; }
    };

    /* Places of all outputs, for as many images as there are; an empty one is not written. */
    struct outputs {
    \(outputs.map { "  ::std::span<\($0.type)> \($0.name);" }.joined(separator: "\n"))
    };

    /* What the model is. */
    inline const \(name)_info &description() noexcept { return *\(name)_description(); }

    \(preprocess)
    """
  }

  /// Of images alone.
  private var preprocess: String {
    guard !isText else { return tokenize }
    return sized.sizes + """
      namespace detail {

      /* The bytes from a row to the next; throws unless a span holds the picture. */
      inline ::std::size_t check_rows(::std::span<const ::std::uint8_t> rgb, ::std::int32_t width,
                                      ::std::int32_t height, ::std::size_t row_bytes) {
        const ::std::size_t columns = width > 0 ? static_cast<::std::size_t>(width) : 0;
        const ::std::size_t rows = height > 0 ? static_cast<::std::size_t>(height) : 0;
        if (row_bytes == 0) row_bytes = 3 * columns;
        if (rows == 0 || columns == 0 || row_bytes < 3 * columns ||
            (rows > 1 &&
             row_bytes >
                 (::std::numeric_limits<::std::size_t>::max() - 3 * columns) / (rows - 1)) ||
            rgb.size() < (rows - 1) * row_bytes + 3 * columns)
          throw error(\(upper)_INVALID_ARGUMENT,
                      ::std::to_string(rgb.size()) + " bytes are not a picture of " +
                          ::std::to_string(width) + " x " + ::std::to_string(height) +
                          " pixels in rows of " + ::std::to_string(row_bytes) + " bytes");
        return row_bytes;
      }

      }  // namespace detail

      /* Makes one image of the model's input from an RGB picture; see \(name)_preprocess.
       * row_bytes: from one row to the next; 0: 3 * width. image: image_count floats. */
      inline void preprocess(::std::span<const ::std::uint8_t> rgb, ::std::int32_t width,
                             ::std::int32_t height, ::std::span<float> image,
                             ::std::size_t row_bytes = 0) {
        detail::check_size("image", image.size(), image_count);
        row_bytes = detail::check_rows(rgb, width, height, row_bytes);
        detail::check(\(name)_preprocess(rgb.data(), width, height, row_bytes, image.data()));
      }

      inline ::std::vector<float> preprocess(::std::span<const ::std::uint8_t> rgb,
                                             ::std::int32_t width, ::std::int32_t height,
                                             ::std::size_t row_bytes = 0) {
        ::std::vector<float> image(image_count);
        preprocess(rgb, width, height, image, row_bytes);
        return image;
      }

      /* A picture of any of the formats; see \(name)_picture, whose size is filled in. */
      inline void preprocess(\(name)_picture picture, ::std::span<float> image) {
        detail::check_size("image", image.size(), \(sized.imageCountOfPicture));
        picture.size = sizeof picture;
        detail::check(\(name)_preprocess_picture(&picture, image.data()));
      }

      inline ::std::vector<float> preprocess(const \(name)_picture &picture) {
        ::std::vector<float> image(\(sized.imageCountOfPicture));
        preprocess(picture, image);
        return image;
      }


      """ + sized.preprocess
  }

  /// Of text towers alone that hold a tokenizer.
  private var tokenize: String {
    guard model.tokenizer != nil else { return "" }
    return """
      /* The ids of a text in UTF-8; see \(name)_tokenize. ids: length of them, written. Returns how
       * many ids the whole text has: more than length if it was cut. */
      inline ::std::size_t tokenize(::std::string_view text, ::std::span<::std::int32_t> ids) {
        detail::check_size("ids", ids.size(), length);
        ::std::size_t whole_count = 0;
        detail::check(\(name)_tokenize(text.data() == nullptr ? "" : text.data(), text.size(),
                                      ids.data(), &whole_count));
        return whole_count;
      }

      inline ::std::vector<::std::int32_t> tokenize(::std::string_view text) {
        ::std::vector<::std::int32_t> ids(length);
        tokenize(text, ids);
        return ids;
      }

      """
  }

  private var modelClass: String {
    """
    /* Weights and settings: immutable, for any number of threads at once. */
    class model {
     public:
      explicit model(const options &settings = {}) {
        \(name)_options raw{};
        raw.size = sizeof raw;
        raw.threads = settings.threads;
        raw.parallel_for = settings.parallel_for;
        raw.parallel_for_context = settings.parallel_for_context;
        raw.weights_path = settings.weights_path.empty() ? nullptr : settings.weights_path.c_str();
        raw.isa = settings.isa.empty() ? nullptr : settings.isa.c_str();
        raw.step_times = settings.step_times ? 1 : 0;
        \(name)_model *made = nullptr;
        detail::check(\(name)_create(&raw, &made));
        handle_.reset(made);
      }

      /* The instruction set that it runs. */
      ::std::string_view isa() const {
        const char *found = \(name)_isa(handle_.get());
        return found == nullptr ? ::std::string_view() : ::std::string_view(found);
      }

      /* Runs an image whose outputs are known; an error beyond the limit is returned. */
      selftest_result selftest() const {
        \(name)_selftest_result raw{};
        raw.size = sizeof raw;
        const \(name)_status status = \(name)_selftest(handle_.get(), &raw);
        if (status != \(upper)_SELFTEST_FAILED) detail::check(status);
        return {raw.error, raw.limit};
      }

      /* For calls of \(name).h; this object stays the owner. */
      \(name)_model *get() const noexcept { return handle_.get(); }

     private:
      struct destroy {
        void operator()(\(name)_model *handle) const noexcept { \(name)_destroy(handle); }
      };
      ::std::unique_ptr<\(name)_model, destroy> handle_;
    };

    """
  }

  private var contextClass: String {
    let count = isText ? "length" : "image_count"
    let first = outputs.first ?? (name: "output", count: "0", type: "float")
    let checks = outputs.map {
      """
          if (!places.\($0.name).empty())
            detail::check_size("\($0.name)", places.\($0.name).size(), count * \($0.name)_count);
      """
    }.joined(separator: "\n")
    let pointers = outputs.map {
      "places.\($0.name).empty() ? nullptr : places.\($0.name).data()"
    }.joined(separator: ",\n        ")
    return """
      /* Memory and threads of one run at a time: one for each thread. */
      class context {
       public:
        explicit context(const model &owner) {
          \(name)_context *made = nullptr;
          detail::check(\(name)_context_create(owner.get(), &made));
          handle_.reset(made);
        }

        /* Runs \(words.many), \(words.shape), and writes the first output
         * (\(first.name)), [count, its shape]. Allocates nothing. */
        void run(::std::span<const \(element)> \(words.array), ::std::span<\(first.type)> output) {
          const ::std::size_t count = count_of(\(words.array));
          detail::check_size("output", output.size(), count * \(first.name)_count);
          detail::check(
              \(name)_\(words.run)(handle_.get(), \(words.array).data(), count, output.data()));
        }

        /* The same; returns the first output. */
        ::std::vector<\(first.type)> run(::std::span<const \(element)> \(words.array)) {
          ::std::vector<\(first.type)> output(count_of(\(words.array)) * \(first.name)_count);
          run(\(words.array), output);
          return output;
        }

        /* Runs \(words.many) and writes all outputs that have a place. */
        void run_all(::std::span<const \(element)> \(words.array), const outputs &places) {
          const ::std::size_t count = count_of(\(words.array));
      \(checks)
          void *const pointers[] = {
              \(pointers)};
          detail::check(
              \(name)_\(words.runAll)(handle_.get(), \(words.array).data(), count, pointers));
        }

      \(pictures)\(sized.runs)
        /* What this context did since it was made. */
        stats statistics() const {
          \(name)_stats raw{};
          raw.size = sizeof raw;
          detail::check(\(name)_context_stats(handle_.get(), &raw));
          ::std::vector<::std::uint64_t> times(static_cast<::std::size_t>(raw.step_count));
          raw.step_nanoseconds = times.data();
          raw.step_capacity = raw.step_count;
          detail::check(\(name)_context_stats(handle_.get(), &raw));
          return {raw.runs, raw.images, raw.nanoseconds, ::std::move(times)};
        }

        /* For calls of \(name).h; this object stays the owner. */
        \(name)_context *get() const noexcept { return handle_.get(); }

       private:
      \(sized.checks)
        static ::std::size_t count_of(::std::span<const \(element)> \(words.array),
                                      ::std::size_t one = \(count)) {
          if (\(words.array).empty() || \(words.array).size() % one != 0)
            throw error(\(upper)_INVALID_ARGUMENT,
                        "\(words.array) has " + ::std::to_string(\(words.array).size()) +
                            " \(isText ? "tokens" : "floats"), expected a multiple of " +
                            ::std::to_string(one));
          return \(words.array).size() / one;
        }

        struct destroy {
          void operator()(\(name)_context *handle) const noexcept {
            \(name)_context_destroy(handle);
          }
        };
        ::std::unique_ptr<\(name)_context, destroy> handle_;
      };

      """
  }

  /// Of images alone.
  private var pictures: String {
    guard !isText else { return "" }
    return """
        /* Makes images of pictures, whose sizes must be filled in, on the context's threads. */
        void preprocess(::std::span<const \(name)_picture> pictures, ::std::span<float> images) {
          detail::check_size("images", images.size(),
                             pictures.size() * \(sized.imageCountOfPictures));
          detail::check(\(name)_preprocess_pictures(handle_.get(), pictures.data(),
                                                   pictures.size(), images.data()));
        }

      """
  }

  private var ending: String {
    """
    }  // namespace \(space)
    }  // namespace vit

    #endif /* \(upper)_HPP */

    """
  }

  /// The outputs: their names in C++, the macros of their sizes, and their elements' types.
  private var outputs: [(name: String, count: String, type: String)] {
    model.outputs.map { output in
      let word = ExportedSymbols.name(from: output.name)
      return (
        CPlusPlusHeaderWriter.identifier(word), "\(upper)_\(word.uppercased())_COUNT",
        output.isHalf ? "half" : "float"
      )
    }
  }
}
