// What NAME.hpp promises, of the fixture model: values, moves, every kind of error.
#include "second.hpp"
#include "toy.hpp"

#include <cstdio>
#include <thread>
#include <type_traits>

namespace toy = vit::toy;

static int failures = 0;

static void expect(bool holds, const char *what) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

template <typename Call>
static void refuses(Call call, toy_status status, std::string_view words) {
  try {
    call();
  } catch (const toy::error &error) {
    const bool says = std::string_view(error.what()).find(words) != std::string_view::npos;
    if (error.status() == status && says) return;
    std::printf("found %d, '%s'\n", error.status(), error.what());
  }
  expect(false, std::string(words).c_str());
}

static_assert(!std::is_copy_constructible_v<toy::model>);
static_assert(std::is_nothrow_move_constructible_v<toy::model>);
static_assert(!std::is_copy_assignable_v<toy::context>);
static_assert(std::is_nothrow_move_assignable_v<toy::context>);
static_assert(toy::image_count == 60 && toy::logits_count == 7 && toy::tokens_count == 60);
static_assert(toy::image_channels == 3 && toy::image_height == 4 && toy::image_width == 5);

// A parallel-for that leaves by an exception.
static void leave(void *, std::int32_t, void (*)(void *, std::int32_t), void *) { throw 17; }

int main() {
  toy::options one;
  one.threads = 1;
  toy::model first(one);
  toy::model model = std::move(first);
  toy::context context(model);
  expect(!model.isa().empty(), "isa");
  expect(std::string_view(toy::description().model) == "fixture", "description");

  std::vector<float> images(2 * toy::image_count, 1.0f);
  const std::vector<float> logits = context.run(images);
  expect(logits.size() == 2 * toy::logits_count, "size of the output");
  expect(logits[0] != 0 && logits[0] == logits[toy::logits_count], "values");

  // What was counted, and pictures as applications have them.
  const toy::stats counted = context.statistics();
  expect(counted.runs == 1 && counted.images == 2 && counted.step_nanoseconds.empty(), "stats");
  toy::options watched = one;
  watched.step_times = true;
  toy::model watching(watched);
  toy::context timed(watching);
  expect(timed.run(images) == logits, "the same with step_times");
  expect(timed.statistics().step_nanoseconds.size() == 3, "times of steps");
  const std::vector<std::uint8_t> bgra(4 * 6 * 5, 200), plain(3 * 6 * 5, 200);
  toy_picture picture{};
  picture.size = sizeof picture;
  picture.pixels = bgra.data();
  picture.row_bytes = 4 * 6;
  picture.width = 6;
  picture.height = 5;
  picture.format = TOY_PICTURE_BGRA;
  const std::vector<float> made = toy::preprocess(picture);
  expect(made == toy::preprocess(plain, 6, 5), "a picture");
  const std::vector<toy_picture> two(2, picture);
  std::vector<float> both(2 * toy::image_count);
  context.preprocess(two, both);
  expect(std::vector<float>(both.begin() + toy::image_count, both.end()) == made, "two pictures");
  picture.orientation = 9;
  refuses([&] { toy::preprocess(picture); }, TOY_INVALID_ARGUMENT, "orientation is 9");

  // All outputs, and one alone.
  std::vector<float> again(2 * toy::logits_count), tokens(2 * toy::tokens_count);
  context.run_all(images, {.logits = again, .tokens = tokens});
  expect(again == logits, "run_all's first output");
  std::vector<float> alone(2 * toy::tokens_count);
  context.run_all(images, {.logits = {}, .tokens = alone});
  expect(alone == tokens && tokens[5] != 0, "run_all's other output");

  // The other model's weights are the first's, negated; contexts outlive what made them.
  {
    auto other = std::make_unique<vit::second::model>();
    vit::second::context own(*other);
    other.reset();
    expect(own.run(images)[0] == -logits[0], "two models");
  }

  // A context a thread, one model.
  std::vector<float> found[3];
  {
    std::vector<std::jthread> threads;
    for (auto &place : found)
      threads.emplace_back([&model, &images, &place] {
        toy::context mine(model);
        place = mine.run(images);
      });
  }
  for (const auto &values : found) expect(values == logits, "threads");

  const std::vector<std::uint8_t> rgb(3 * 9 * 8, 100);
  const std::vector<float> image = toy::preprocess(rgb, 9, 8);
  expect(image.size() == toy::image_count, "preprocess");

  const toy::selftest_result test{0.5, 0.1};
  expect(!test.passed(), "passed");

  refuses([&] { context.run(std::span(images).first(7)); }, TOY_INVALID_ARGUMENT,
          "images has 7 floats, expected a multiple of 60");
  refuses([&] { context.run({}); }, TOY_INVALID_ARGUMENT, "images has 0 floats");
  refuses([&] { context.run(images, std::span(again).first(3)); }, TOY_INVALID_ARGUMENT,
          "output has 3 floats, expected 14");
  refuses([&] { context.run_all(images, {.logits = std::span(again).first(1), .tokens = {}}); },
          TOY_INVALID_ARGUMENT, "logits has 1 floats, expected 14");
  refuses([&] { toy::preprocess(rgb, 10, 8); }, TOY_INVALID_ARGUMENT,
          "216 bytes are not a picture of 10 x 8 pixels in rows of 30 bytes");
  refuses([&] { toy::preprocess(rgb, 9, 8, 26); }, TOY_INVALID_ARGUMENT, "in rows of 26 bytes");
  refuses([&] { toy::preprocess(rgb, -1, 8); }, TOY_INVALID_ARGUMENT, "-1 x 8");
  refuses([&] { toy::preprocess(rgb, 9, 8, SIZE_MAX / 2); }, TOY_INVALID_ARGUMENT, "rows of");
  toy::options wrong;
  wrong.isa = "v17";
  refuses([&] { toy::model none(wrong); }, TOY_INVALID_ARGUMENT, "v17");
  wrong = {};
  wrong.threads = -3;
  refuses([&] { toy::model none(wrong); }, TOY_INVALID_ARGUMENT, "threads");

  // An exception of the caller's own passes through, and the context goes on.
  toy::options leaving;
  leaving.threads = 2;
  leaving.parallel_for = leave;
  toy::model left(leaving);
  toy::context once(left);
  try {
    once.run(images);
    expect(false, "the exception");
  } catch (int value) {
    expect(value == 17, "the exception's value");
  }

  if (failures == 0) std::puts("all hold");
  return failures;
}
