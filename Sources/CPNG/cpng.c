#include "cpng.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is left of the file, where errors go, and what has to be freed after a longjmp. It lives in
// the caller's frame, so that its values are certain after longjmp.
typedef struct {
  const uint8_t *bytes;
  size_t left;
  char *error;
  png_structp png;
  png_infop info;
  uint8_t *grey;
} reader;

static void fail(png_structp png, png_const_charp message) {
  reader *r = png_get_error_ptr(png);
  snprintf(r->error, CPNG_ERROR_BYTES, "%s", message);
  png_longjmp(png, 1);
}

// Warnings are about chunks that do not change the pixels, such as a colour profile.
static void ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void take(png_structp png, png_bytep to, size_t count) {
  reader *r = png_get_io_ptr(png);
  if (count > r->left) png_error(png, "the file ends too early");
  memcpy(to, r->bytes, count);
  r->bytes += count;
  r->left -= count;
}

static int start(reader *r) {
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, fail, ignore);
  r->info = r->png ? png_create_info_struct(r->png) : NULL;
  if (r->info) return 1;
  snprintf(r->error, CPNG_ERROR_BYTES, "out of memory");
  return 0;
}

static void finish(reader *r) {
  free(r->grey);
  png_destroy_read_struct(&r->png, &r->info, NULL);
}

static void read_info(reader *r) {
  png_set_read_fn(r->png, r, take);
#ifdef VITC_FUZZING
  png_set_crc_action(r->png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  png_set_option(r->png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
#endif
  // The caller bounds the number of pixels; libpng's own limit of a million rows is in the way.
  png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);
  // Chunks that do not say what the pixels are, such as texts and profiles, are passed over, however
  // long or wrong they are.
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_chunk_malloc_max(r->png, 0);
  png_read_info(r->png, r->info);
}

int cpng_read_header(
    const uint8_t *bytes, size_t size, cpng_header *header, char error[CPNG_ERROR_BYTES]) {
  reader r = {.bytes = bytes, .left = size, .error = error};
  if (start(&r) && setjmp(png_jmpbuf(r.png)) == 0) {
    read_info(&r);
    header->width = png_get_image_width(r.png, r.info);
    header->height = png_get_image_height(r.png, r.info);
    header->bit_depth = png_get_bit_depth(r.png, r.info);
    header->channels = png_get_channels(r.png, r.info);
    header->has_alpha = (png_get_color_type(r.png, r.info) & PNG_COLOR_MASK_ALPHA) != 0
        || png_get_valid(r.png, r.info, PNG_INFO_tRNS) != 0;
    finish(&r);
    return 1;
  }
  finish(&r);
  return 0;
}

// 16-bit grey is mode "I;16" in PIL, whose conversion to 8 bits clamps. `samples` bytes are written
// for each pixel, the fourth as opaque.
static void clamp_grey(
    reader *r, uint32_t width, uint32_t height, int passes, uint8_t *pixels, size_t samples) {
  // An interlaced image refines all its rows in each pass, so all have to be kept.
  size_t row_bytes = png_get_rowbytes(r->png, r->info);
  r->grey = malloc(row_bytes * height);
  if (!r->grey) png_error(r->png, "out of memory");
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < height; y++)
      png_read_row(r->png, r->grey + y * row_bytes, NULL);
  for (uint32_t y = 0; y < height; y++) {
    const uint8_t *from = r->grey + y * row_bytes;
    uint8_t *to = pixels + (size_t)y * width * samples;
    for (size_t x = 0; x < width; x++, to += samples) {
      to[0] = to[1] = to[2] = from[2 * x] ? 255 : from[2 * x + 1];
      if (samples == 4) to[3] = 255;
    }
  }
}

// Makes the pixels transparent that a tRNS chunk of grey or RGB names.
static void clear_named(
    const png_color_16 *named, int is_grey, int is_bit, uint8_t *rgba, size_t count) {
  uint8_t red = is_grey ? (uint8_t)named->gray : (uint8_t)named->red;
  uint8_t green = is_grey ? red : (uint8_t)named->green;
  uint8_t blue = is_grey ? red : (uint8_t)named->blue;
  // PIL's images of one bit hold 0 and 255.
  if (is_bit && red) red = green = blue = 255;
  for (size_t i = 0; i < count; i++) {
    uint8_t *pixel = rgba + 4 * i;
    if (pixel[0] == red && pixel[1] == green && pixel[2] == blue) pixel[3] = 0;
  }
}

// Reads pixels of 3 samples, or of 4 with alpha.
static void read_pixels(
    reader *r, uint32_t width, uint32_t height, uint8_t *pixels, size_t samples) {
  read_info(r);
  int color = png_get_color_type(r->png, r->info);
  int depth = png_get_bit_depth(r->png, r->info);
  int is_grey16 = color == PNG_COLOR_TYPE_GRAY && depth == 16;
  int has_alpha = (color & PNG_COLOR_MASK_ALPHA) != 0;
  // A pointer into what libpng keeps of the file, which its transformations may change.
  png_color_16p chunk = NULL;
  png_color_16 named = {0};
  if (!has_alpha && color != PNG_COLOR_TYPE_PALETTE
      && png_get_tRNS(r->png, r->info, NULL, NULL, &chunk) && chunk)
    named = *chunk;
  if (!is_grey16) {
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
    if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(r->png);
    png_set_strip_16(r->png);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(r->png);
    if (samples == 3) {
      png_set_strip_alpha(r->png);
    } else if (color == PNG_COLOR_TYPE_PALETTE && png_get_valid(r->png, r->info, PNG_INFO_tRNS)) {
      png_set_tRNS_to_alpha(r->png);
    } else if (!has_alpha) {
      png_set_add_alpha(r->png, 0xff, PNG_FILLER_AFTER);
    }
  }
  int passes = png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  size_t pixel_bytes = is_grey16 ? 2 : samples;
  if (png_get_image_width(r->png, r->info) != width
      || png_get_image_height(r->png, r->info) != height
      || png_get_rowbytes(r->png, r->info) != width * pixel_bytes)
    png_error(r->png, "the rows have another size than the header says");
  if (is_grey16) {
    clamp_grey(r, width, height, passes, pixels, samples);
  } else {
    for (int pass = 0; pass < passes; pass++)
      for (uint32_t y = 0; y < height; y++)
        png_read_row(r->png, pixels + (size_t)y * width * samples, NULL);
  }
  // Checks the sum of the last chunk and that nothing is missing.
  png_read_end(r->png, NULL);
  if (samples == 4 && chunk)
    clear_named(&named, color == PNG_COLOR_TYPE_GRAY, depth == 1, pixels, (size_t)width * height);
}

static int read_all(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *pixels,
    size_t samples, char *error) {
  reader r = {.bytes = bytes, .left = size, .error = error};
  if (start(&r) && setjmp(png_jmpbuf(r.png)) == 0) {
    read_pixels(&r, width, height, pixels, samples);
    finish(&r);
    return 1;
  }
  finish(&r);
  return 0;
}

// A file in the making, and what has to be freed after a longjmp.
typedef struct {
  png_structp png;
  png_infop info;
  uint8_t *bytes;
  size_t size;
  size_t room;
} writer;

static void fail_writing(png_structp png, png_const_charp message) {
  (void)message;
  png_longjmp(png, 1);
}

static void give(png_structp png, png_bytep from, size_t count) {
  writer *w = png_get_io_ptr(png);
  if (w->room - w->size < count) {
    size_t room = 2 * w->room + count;
    uint8_t *bytes = realloc(w->bytes, room);
    if (!bytes) png_error(png, "out of memory");
    w->bytes = bytes;
    w->room = room;
  }
  memcpy(w->bytes + w->size, from, count);
  w->size += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static void write_rows(writer *w, const uint8_t *rgb, uint32_t width, uint32_t height) {
  png_set_write_fn(w->png, w, give, flush_nothing);
  png_set_compression_level(w->png, 9);
  png_set_IHDR(w->png, w->info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w->png, w->info);
  for (uint32_t y = 0; y < height; y++) png_write_row(w->png, rgb + (size_t)y * width * 3);
  png_write_end(w->png, NULL);
}

uint8_t *cpng_write_rgb(const uint8_t *rgb, uint32_t width, uint32_t height, size_t *size) {
  writer w = {0};
  w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, fail_writing, ignore);
  w.info = w.png ? png_create_info_struct(w.png) : NULL;
  if (w.info && setjmp(png_jmpbuf(w.png)) == 0) {
    write_rows(&w, rgb, width, height);
    png_destroy_write_struct(&w.png, &w.info);
    *size = w.size;
    return w.bytes;
  }
  png_destroy_write_struct(&w.png, &w.info);
  free(w.bytes);
  return NULL;
}

int cpng_read_rgb(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb,
    char error[CPNG_ERROR_BYTES]) {
  return read_all(bytes, size, width, height, rgb, 3, error);
}

int cpng_read_rgba(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgba,
    char error[CPNG_ERROR_BYTES]) {
  return read_all(bytes, size, width, height, rgba, 4, error);
}
