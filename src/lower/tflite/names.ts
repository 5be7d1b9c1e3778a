/** Domain of operators that are no builtins; the reader gives it (formats/tflite/context.ts). */
export const customDomain = "custom";
