import Diagnostics

/// The parts of NAME.hpp on a model for images of several sizes; empty for any other.
struct SizedCPlusPlus {
  private let model: ModelInterface
  /// The outputs: their names in C++.
  private let outputs: [String]
  /// The type of the first output's elements.
  private let firstType: String

  init(_ model: ModelInterface, outputs: [String], firstType: String) {
    self.model = model
    self.outputs = outputs
    self.firstType = firstType
  }

  private var name: String { model.name }
  private var upper: String { model.name.uppercased() }
  private var hasSizes: Bool { !model.furtherSizes.isEmpty }

  /// How many floats the image of a picture has.
  var imageCountOfPicture: String {
    hasSizes ? "detail::image_count_of(picture.input)" : "image_count"
  }

  /// How many floats each image of some pictures has.
  var imageCountOfPictures: String {
    hasSizes
      ? "detail::image_count_of(pictures.empty() ? 0 : pictures.front().input)" : "image_count"
  }

  /// What comes before functions on pictures.
  var sizes: String {
    guard hasSizes else { return "" }
    let constants = model.sizes.map { size in
      let extents = size.image.dropFirst().map(String.init)
      return "inline constexpr ::std::int32_t size_\(extents.joined(separator: "x")) = "
        + "\(upper)_SIZE_\(extents.joined(separator: "X"));"
    }
    return """
      /* ---- Images of several sizes ----
       *
       * A size is a place in sizes(), by height and width: functions that take none, and the
       * constants above, are of the first. */
      inline constexpr ::std::size_t size_count = \(upper)_SIZES;
      \(constants.joined(separator: "\n"))

      /* What the model is for each size. */
      inline ::std::span<const \(name)_info *const> sizes() noexcept {
        return {\(name)_sizes(), size_count};
      }

      namespace detail {

      inline const \(name)_info &sized(::std::int32_t size) {
        if (size < 0 || static_cast<::std::size_t>(size) >= size_count)
          throw error(\(upper)_INVALID_ARGUMENT,
                      "size is " + ::std::to_string(size) + ", expected 0 to " +
                          ::std::to_string(size_count - 1));
        return *\(name)_sizes()[static_cast<::std::size_t>(size)];
      }

      inline ::std::size_t image_count_of(::std::int32_t size) {
        return static_cast<::std::size_t>(sized(size).input.elements);
      }

      }  // namespace detail

      /* The size of images of this height and width; -1 if there is none. */
      inline ::std::int32_t size_of(::std::int64_t height, ::std::int64_t width) noexcept {
        for (::std::size_t index = 0; index < size_count; ++index) {
          const \(name)_tensor &input = \(name)_sizes()[index]->input;
          if (input.shape[1] == height && input.shape[2] == width)
            return static_cast<::std::int32_t>(index);
        }
        return -1;
      }

      /* Which size the checkpoint's preprocessing makes of a picture; see \(name)_size_for. */
      inline ::std::int32_t size_for(::std::int32_t width, ::std::int32_t height) {
        ::std::int32_t size = 0;
        detail::check(\(name)_size_for(width, height, &size));
        return size;
      }

      /* An image of a run of several sizes, and the places of its outputs. */
      struct sized_image {
        ::std::int32_t size = 0;
        ::std::span<const float> image; /* [channels, height, width] */
        outputs places;
      };


      """
  }

  /// What comes after functions on pictures.
  var preprocess: String {
    guard hasSizes else { return "" }
    return """
      /* As preprocess, for an image of a size. */
      inline void preprocess_sized(::std::int32_t size, ::std::span<const ::std::uint8_t> rgb,
                                   ::std::int32_t width, ::std::int32_t height,
                                   ::std::span<float> image, ::std::size_t row_bytes = 0) {
        detail::check_size("image", image.size(), detail::image_count_of(size));
        row_bytes = detail::check_rows(rgb, width, height, row_bytes);
        detail::check(
            \(name)_preprocess_sized(rgb.data(), width, height, row_bytes, size, image.data()));
      }

      inline ::std::vector<float> preprocess_sized(::std::int32_t size,
                                                   ::std::span<const ::std::uint8_t> rgb,
                                                   ::std::int32_t width, ::std::int32_t height,
                                                   ::std::size_t row_bytes = 0) {
        ::std::vector<float> image(detail::image_count_of(size));
        preprocess_sized(size, rgb, width, height, image, row_bytes);
        return image;
      }


      """
  }

  /// Members of the class `context`.
  var runs: String {
    guard hasSizes else { return "" }
    let first = model.outputs.first.map { _ in "info.outputs[0].elements" } ?? "0"
    return """
        /* As run, for images of a size. */
        void run_sized(::std::int32_t size, ::std::span<const float> images,
                       ::std::span<\(firstType)> output) {
          const \(name)_info &info = detail::sized(size);
          const ::std::size_t count = count_of(images, detail::image_count_of(size));
          detail::check_size("output", output.size(),
                             count * static_cast<::std::size_t>(\(first)));
          detail::check(
              \(name)_run_sized(handle_.get(), size, images.data(), count, output.data()));
        }

        ::std::vector<\(firstType)> run_sized(::std::int32_t size,
                                              ::std::span<const float> images) {
          const \(name)_info &info = detail::sized(size);
          ::std::vector<\(firstType)> output(count_of(images, detail::image_count_of(size)) *
                                             static_cast<::std::size_t>(\(first)));
          run_sized(size, images, output);
          return output;
        }

        /* As run_all, for images of a size. */
        void run_all_sized(::std::int32_t size, ::std::span<const float> images,
                           const outputs &places) {
          const ::std::size_t count = count_of(images, detail::image_count_of(size));
          check_places(size, places, count);
          void *const pointers[] = {
              \(pointers("places"))};
          detail::check(
              \(name)_run_all_sized(handle_.get(), size, images.data(), count, pointers));
        }

        /* Runs images of any sizes, without padding; see \(name)_run_mixed. */
        void run_mixed(::std::span<const sized_image> images) {
          ::std::vector<void *> pointers;
          ::std::vector<\(name)_sized_image> all;
          pointers.reserve(images.size() * \(upper)_OUTPUTS);
          all.reserve(images.size());
          for (const sized_image &one : images) {
            detail::check_size("image", one.image.size(), detail::image_count_of(one.size));
            check_places(one.size, one.places, 1);
            for (void *place : {
              \(pointers("one.places", cast: true))})
              pointers.push_back(place);
            all.push_back({one.image.data(), pointers.data() + pointers.size() - \(upper)_OUTPUTS,
                           one.size, 0});
          }
          detail::check(\(name)_run_mixed(handle_.get(), all.data(), all.size()));
        }


      """
  }

  /// Private members of the class `context`.
  var checks: String {
    guard hasSizes else { return "" }
    let checks = outputs.enumerated().map { number, output in
      """
          if (!places.\(output).empty())
            detail::check_size(
                "\(output)", places.\(output).size(),
                count * static_cast<::std::size_t>(info.outputs[\(number)].elements));
      """
    }
    return """
        static void check_places(::std::int32_t size, const outputs &places,
                                 ::std::size_t count) {
          const \(name)_info &info = detail::sized(size);
      \(checks.joined(separator: "\n"))
        }


      """
  }

  private func pointers(_ places: String, cast: Bool = false) -> String {
    outputs.map { output in
      let pointer =
        "\(places).\(output).empty() ? nullptr : \(places).\(output).data()"
      return cast ? "static_cast<void *>(\(pointer))" : pointer
    }.joined(separator: ",\n        ")
  }
}
