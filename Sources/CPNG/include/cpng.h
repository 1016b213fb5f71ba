// PNG decoding through libpng, with its errors as text.
//
// libpng leaves a failing call by longjmp, which must not cross Swift frames: setjmp and everything
// between it and the longjmp live in this target.
#ifndef VITC_CPNG_H
#define VITC_CPNG_H

#include <stddef.h>
#include <stdint.h>

/// What the IHDR chunk of a PNG says.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// Bits of one sample: 1, 2, 4, 8 or 16.
  uint32_t bit_depth;
  /// Samples of one pixel as stored: 1 to 4.
  uint32_t channels;
  /// 1 iff pixels may be transparent: an alpha channel, or a tRNS chunk.
  uint32_t has_alpha;
} cpng_header;

/// The size of an error text, with its terminating zero.
enum { CPNG_ERROR_BYTES = 160 };

/// Reads the chunks before the pixels. Returns 1; or 0, with the reason in `error`.
int cpng_read_header(
    const uint8_t *bytes, size_t size, cpng_header *header, char error[CPNG_ERROR_BYTES]);

/// As `cpng_read_rgb`, with an alpha byte after each pixel, as PIL's `convert("RGBA")` has it:
/// `width * height * 4` bytes. Of grey and RGB, the pixels are transparent that equal the lower bytes
/// of a tRNS chunk after their own conversion to 8 bits, which is PIL's rule.
int cpng_read_rgba(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgba,
    char error[CPNG_ERROR_BYTES]);

/// Reads the whole file into `rgb`, `width * height * 3` bytes, row-major, as PIL's
/// `convert("RGB")` has them: palettes looked up, grey repeated, alpha dropped, of 16-bit samples
/// the upper byte (but 16-bit grey clamped to 255), no gamma or colour profile applied. `width` and
/// `height` must be those of the header. Returns 1; or 0, with the reason in `error`.
int cpng_read_rgb(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb,
    char error[CPNG_ERROR_BYTES]);

/// Writes 8-bit RGB pixels, row by row, as a PNG without interlacing. Returns its bytes, to be freed
/// by `free`, and their number in `size`; or NULL if memory is short.
uint8_t *cpng_write_rgb(const uint8_t *rgb, uint32_t width, uint32_t height, size_t *size);

#endif
