// A library for images of 16 x 16 and 24 x 32 pixels, by NAME.hpp alone.
#include "model.hpp"

#include <cstdio>
#include <string_view>

namespace m = vit::model;

static int failures = 0;

static void expect(bool holds, const char *what) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

template <typename Call>
static void refuses(Call call, std::string_view words) {
  try {
    call();
  } catch (const m::error &error) {
    if (error.status() == MODEL_INVALID_ARGUMENT &&
        std::string_view(error.what()).find(words) != std::string_view::npos)
      return;
    std::printf("found '%s'\n", error.what());
  }
  expect(false, std::string(words).c_str());
}

int main() {
  static_assert(m::size_count == 2 && m::size_16x16 == 0 && m::size_24x32 == 1);
  expect(m::sizes().size() == 2 && m::sizes()[0] == &m::description(), "sizes");
  expect(m::size_of(24, 32) == 1 && m::size_of(16, 16) == 0 && m::size_of(32, 24) == -1, "size_of");
  expect(m::size_for(500, 100) == 0, "size_for");

  std::vector<std::uint8_t> photo(3 * 50 * 40), bgra(4 * 50 * 40);
  for (std::size_t i = 0; i < photo.size(); ++i) photo[i] = static_cast<std::uint8_t>(i * 31);
  for (std::size_t i = 0; i < photo.size() / 3; ++i)
    for (std::size_t c = 0; c < 3; ++c) bgra[4 * i + c] = photo[3 * i + 2 - c];
  const std::vector<float> small = m::preprocess(photo, 50, 40);
  const std::vector<float> large = m::preprocess_sized(m::size_24x32, photo, 50, 40);
  expect(small.size() == m::image_count && large.size() == 3 * 24 * 32, "preprocess");
  expect(m::preprocess_sized(m::size_16x16, photo, 50, 40) == small, "the first size");
  model_picture picture{};
  picture.size = sizeof picture;
  picture.pixels = bgra.data();
  picture.row_bytes = 4 * 50;
  picture.width = 50;
  picture.height = 40;
  picture.format = MODEL_PICTURE_BGRA;
  expect(m::preprocess(picture) == small, "a picture");
  picture.input = m::size_24x32;
  expect(m::preprocess(picture) == large, "a picture of a size");

  m::model model;
  m::context context(model);
  const std::vector<model_picture> two(2, picture);
  std::vector<float> both(2 * large.size());
  context.preprocess(two, both);
  expect(std::equal(large.begin(), large.end(), both.begin() + 3 * 24 * 32), "two pictures");

  const std::vector<float> logits = context.run(small);
  expect(context.run_sized(m::size_16x16, small) == logits, "run_sized of the first");
  const std::vector<float> wide = context.run_sized(m::size_24x32, both);
  expect(wide.size() == 2 * m::logits_count, "run_sized");
  std::vector<float> tokens(2 * m::sizes()[1]->outputs[1].elements), again(wide.size());
  context.run_all_sized(m::size_24x32, both, {.logits = again, .tokens = tokens});
  expect(again == wide, "run_all_sized");

  std::vector<float> first(m::logits_count), second(m::logits_count), own(tokens.size() / 2);
  const std::vector<m::sized_image> mixed = {
      {m::size_24x32, large, {.logits = first, .tokens = own}},
      {m::size_16x16, small, {.logits = second, .tokens = {}}}};
  context.run_mixed(mixed);
  expect(second == logits && std::equal(first.begin(), first.end(), wide.begin()), "run_mixed");
  expect(std::equal(own.begin(), own.end(), tokens.begin()), "tokens of run_mixed");

  refuses([&] { context.run_sized(2, small); }, "size is 2, expected 0 to 1");
  refuses([&] { m::preprocess_sized(-1, photo, 50, 40); }, "size is -1, expected 0 to 1");
  refuses([&] { context.run_sized(1, small); }, "images has 768 floats, expected a multiple of 2304");
  refuses([&] { context.run_all_sized(1, large, {.logits = {}, .tokens = first}); },
          "tokens has ");
  const std::vector<m::sized_image> wrong = {{m::size_24x32, small, {}}};
  refuses([&] { context.run_mixed(wrong); }, "image has 768 floats, expected 2304");
  refuses([&] { context.run_mixed({}); }, "");
  picture.input = 7;
  refuses([&] { m::preprocess(picture); }, "size is 7, expected 0 to 1");
  if (failures == 0) std::puts("ok");
  return failures;
}
