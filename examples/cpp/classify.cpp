// Classifies PNG images with a compiled model that is linked into the program, by its C++ header.
// examples/cmake, examples/meson and examples/make build it.
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "digits.hpp"

namespace digits = vit::digits;

// The classes, as the checkpoint's config.json names them; description().json has them too.
static const char *const labels[digits::logits_count] = {
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};

struct Picture {
  std::vector<std::uint8_t> rgb;
  std::int32_t width = 0, height = 0;
};

static Picture read_png(const std::string &path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path.c_str())) throw std::runtime_error(image.message);
  image.format = PNG_FORMAT_RGB;
  Picture picture;
  picture.rgb.resize(PNG_IMAGE_SIZE(image));
  picture.width = static_cast<std::int32_t>(image.width);
  picture.height = static_cast<std::int32_t>(image.height);
  if (!png_image_finish_read(&image, nullptr, picture.rgb.data(), 0, nullptr))
    throw std::runtime_error(image.message);
  return picture;
}

int main(int count, char **arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s IMAGE.png ...\n", arguments[0]);
    return 64;
  }
  int failures = 0;
  try {
    digits::model model;
    digits::context context(model);
    for (int i = 1; i < count; ++i) {
      const std::string path = arguments[i];
      try {
        const Picture picture = read_png(path);
        const auto image = digits::preprocess(picture.rgb, picture.width, picture.height);
        const std::vector<float> logits = context.run(image);
        const auto best = std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - *best);
        std::printf("%s  %-5s  %6.2f %%\n", path.c_str(), labels[best - logits.begin()], 100 / sum);
      } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", path.c_str(), error.what());
        ++failures;
      }
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return failures > 0;
}
