#include "cjpeg.h"

#include <setjmp.h>
#include <stdio.h>
// jpeglib.h uses FILE and size_t without asking for them.
#include <jerror.h>
#include <jpeglib.h>

// More scans than any encoder writes: each takes the time of a whole image, and a few bytes.
enum { MOST_SCANS = 500 };

// libjpeg's error manager first, so that a pointer to one is a pointer to the other. It lives in the
// frame of the caller of setjmp's caller, so that its values are certain after longjmp.
typedef struct {
  struct jpeg_error_mgr manager;
  struct jpeg_decompress_struct jpeg;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  char *error;
} reader;

static void give_up(j_common_ptr jpeg, const char *text) {
  reader *r = (reader *)jpeg->err;
  snprintf(r->error, CJPEG_ERROR_BYTES, "%s", text);
  longjmp(r->jump, 1);
}

static void leave(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  int code = jpeg->err->msg_code;
  int is_end = code == JWRN_JPEG_EOF || code == JERR_INPUT_EOF || code == JERR_INPUT_EMPTY;
  give_up(jpeg, is_end ? "the file ends too early" : text);
}

// A level below 0 is a warning; above, a message that traces what is done.
static void hear(j_common_ptr jpeg, int level) {
  struct jpeg_error_mgr *manager = jpeg->err;
  if (level >= 0) {
    // jpeg_resync_to_restart's decision: 1 takes the marker as the one that was due; 2 skips bytes
    // up to the next, 3 leaves the pixels before it out.
    if (manager->msg_code == JTRC_RECOVERY_ACTION && manager->msg_parm.i[1] != 1)
      give_up(jpeg, "a restart marker is missing or out of order");
    return;
  }
  switch (manager->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
      return;
    default:
      leave(jpeg);
  }
}

static void watch(j_common_ptr jpeg) {
  if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
    give_up(jpeg, "it has more than 500 scans");
}

static void silent(j_common_ptr jpeg) { (void)jpeg; }

static void start(reader *r, const uint8_t *bytes, size_t size, cjpeg_header *header) {
  jpeg_create_decompress(&r->jpeg);
  r->progress.progress_monitor = watch;
  r->jpeg.progress = &r->progress;
  jpeg_mem_src(&r->jpeg, bytes, size);
  jpeg_read_header(&r->jpeg, TRUE);
  header->width = r->jpeg.image_width;
  header->height = r->jpeg.image_height;
  header->channels = r->jpeg.num_components == 4 ? 4 : 3;
}

static void read_pixels(reader *r, const cjpeg_header *header, uint8_t *pixels) {
  r->jpeg.out_color_space = header->channels == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&r->jpeg);
  size_t row_bytes = (size_t)header->width * header->channels;
  while (r->jpeg.output_scanline < header->height) {
    JSAMPROW row = pixels + r->jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&r->jpeg, &row, 1);
  }
  // Looks for the end of the image.
  jpeg_finish_decompress(&r->jpeg);
}

// Reads the header, and the pixels where there is a place for them.
static int attempt(
    reader *r, const uint8_t *bytes, size_t size, cjpeg_header *header, uint8_t *pixels) {
  if (setjmp(r->jump)) return 0;
  start(r, bytes, size, header);
  if (pixels) read_pixels(r, header, pixels);
  return 1;
}

static int decode(
    const uint8_t *bytes, size_t size, cjpeg_header *header, uint8_t *pixels, char *error) {
  reader r = {.error = error};
  r.jpeg.err = jpeg_std_error(&r.manager);
  r.manager.error_exit = leave;
  r.manager.emit_message = hear;
  r.manager.output_message = silent;
  int is_read = attempt(&r, bytes, size, header, pixels);
  jpeg_destroy_decompress(&r.jpeg);
  return is_read;
}

int cjpeg_read_header(
    const uint8_t *bytes, size_t size, cjpeg_header *header, char error[CJPEG_ERROR_BYTES]) {
  return decode(bytes, size, header, NULL, error);
}

int cjpeg_read(
    const uint8_t *bytes, size_t size, uint8_t *pixels, char error[CJPEG_ERROR_BYTES]) {
  cjpeg_header header;
  return decode(bytes, size, &header, pixels, error);
}
