#include "cwebp.h"

#include <webp/decode.h>

static const char *reason(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OK:
      return NULL;
    case VP8_STATUS_OUT_OF_MEMORY:
      return "there is not enough memory for it";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file ends too early";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature that libwebp does not know";
    case VP8_STATUS_INVALID_PARAM:
    case VP8_STATUS_BITSTREAM_ERROR:
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_USER_ABORT:
      break;
  }
  return "its bits make no picture";
}

const char *cwebp_read_header(const uint8_t *bytes, size_t size, cwebp_header *header) {
  WebPBitstreamFeatures features;
  const char *fault = reason(WebPGetFeatures(bytes, size, &features));
  if (fault) return fault;
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  header->has_alpha = features.has_alpha != 0;
  header->is_animated = features.has_animation != 0;
  return NULL;
}

const char *cwebp_read(
    const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, int wants_alpha,
    uint8_t *pixels) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return "libwebp is of another version than its headers";
  int bytes_per_pixel = wants_alpha ? 4 : 3;
  config.output.colorspace = wants_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)width * bytes_per_pixel;
  config.output.u.RGBA.size = (size_t)width * height * (size_t)bytes_per_pixel;
  // One thread: photos are decoded side by side.
  config.options.use_threads = 0;
  return reason(WebPDecode(bytes, size, &config));
}
