/** FlexBuffers, laid down by flatbuffers' own encoder. */
import { encode } from "flatbuffers/mjs/flexbuffers.js";

export const flexbuffers = (value: unknown): Uint8Array => new Uint8Array(encode(value));
