// JPEG decoding through libjpeg-turbo, with its errors, and those warnings that are about pixels, as
// text.
//
// libjpeg leaves a failing call by longjmp, which must not cross Swift frames: setjmp and everything
// between it and the longjmp live in this target.
#ifndef VITC_CJPEG_H
#define VITC_CJPEG_H

#include <stddef.h>
#include <stdint.h>

/// What the segments before the first scan say.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 4 for CMYK and YCCK, as which four components are taken; otherwise 3.
  uint32_t channels;
} cjpeg_header;

/// The size of an error text, with its terminating zero.
enum { CJPEG_ERROR_BYTES = 256 };

/// Reads the segments before the first scan. Returns 1; or 0, with the reason in `error`.
int cjpeg_read_header(
    const uint8_t *bytes, size_t size, cjpeg_header *header, char error[CJPEG_ERROR_BYTES]);

/// Reads the whole file into `pixels`, `width * height * channels` bytes by its header, row-major:
/// red, green and blue, or the four inks as they are stored. Returns 1; or 0, with the reason in
/// `error`.
///
/// Warnings of libjpeg's do no harm where the pixels are those that the file means: an unknown
/// revision of JFIF, an unknown transform of Adobe's, parameters of a progressive scan in a sequential
/// one, bytes between segments that belong to none, and a restart marker with a wrong number that is
/// taken as the one in its place. Every other warning is about pixels that are lost, and is an error.
int cjpeg_read(
    const uint8_t *bytes, size_t size, uint8_t *pixels, char error[CJPEG_ERROR_BYTES]);

#endif
