// WebP decoding through libwebp, with its errors as text.
#ifndef VITC_CWEBP_H
#define VITC_CWEBP_H

#include <stddef.h>
#include <stdint.h>

/// What the chunks before the pixels say.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1 iff pixels may be transparent.
  uint32_t has_alpha;
  /// 1 iff the file is a film.
  uint32_t is_animated;
} cwebp_header;

/// Reads the chunks before the pixels. Returns NULL, or why that cannot be done.
const char *cwebp_read_header(const uint8_t *bytes, size_t size, cwebp_header *header);

/// Reads the picture into `pixels`, row-major without padding: red, green, blue, and with
/// `wants_alpha` the alpha after them, colours not multiplied by it. `width` and `height` must be
/// those of the header. Returns NULL, or why that cannot be done.
const char *cwebp_read(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, int wants_alpha,
    uint8_t *pixels);

#endif
