/* An image as JSON, for the commands that show it. */
#ifndef CLI_IMAGE_DESCRIBE_H
#define CLI_IMAGE_DESCRIBE_H

#include <sandbox/image.h>

#include "base/json.h"

/* A new object, which the caller frees. */
struct json_object *image_describe(const struct sandbox_image *image);

#endif
