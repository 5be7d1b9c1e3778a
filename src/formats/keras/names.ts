/** `BatchNormalization` → `batch_normalization`, `Conv2D` → `conv2d`: Keras's own way of naming what it saves. */
export const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
