/* Two compiled models in one program. */
#include <stdio.h>

#include "second.h"
#include "toy.h"

int main(void) {
  toy_model *a;
  second_model *b;
  if (toy_create(NULL, &a) != TOY_OK) return puts(toy_last_error()), 1;
  if (second_create(NULL, &b) != SECOND_OK) return puts(second_last_error()), 1;
  toy_context *x;
  second_context *y;
  if (toy_context_create(a, &x) != TOY_OK || second_context_create(b, &y) != SECOND_OK) return 1;
  static float image[TOY_IMAGE_COUNT], p[TOY_LOGITS_COUNT], q[SECOND_LOGITS_COUNT];
  for (int i = 0; i < TOY_IMAGE_COUNT; ++i) image[i] = 1;
  if (toy_run(x, image, 1, p) != TOY_OK || second_run(y, image, 1, q) != SECOND_OK) return 1;
  /* The second model's weights are the first's, negated. */
  for (int i = 0; i < TOY_LOGITS_COUNT; ++i)
    if (p[i] != -q[i] || p[i] == 0) return 2;
  printf("%s %s\n", toy_description()->name, second_description()->name);
  toy_context_destroy(x);
  second_context_destroy(y);
  toy_destroy(a);
  second_destroy(b);
  return 0;
}
