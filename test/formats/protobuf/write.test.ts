import { describe, expect, it } from "vitest";
import { Message } from "../../../src/formats/protobuf/write.ts";
import { bytes, double, float, int, join, message, packed, text, varint } from "../../build/protobuf.ts";

/** The message's bytes, late ones filled in. */
function flat<T>(made: Message<T>, late: (later: T) => Uint8Array = () => new Uint8Array()): number[] {
  return made.pieces().flatMap((piece) => [...(piece instanceof Uint8Array ? piece : late(piece.later))]);
}

describe("Message", () => {
  it("writes each kind of field as the wire format has it", () => {
    const made = new Message()
      .int(1, 300)
      .int(2, -7)
      .int(20, 2n ** 63n - 1n)
      .float(3, -0.75)
      .double(4, 1e-300)
      .string(5, "naïve 漢字")
      .bytes(6, Uint8Array.of(9, 0, 255))
      .ints(7, [0, 127, 128, -1, 2 ** 53 - 1])
      .floats(8, [1.5, -3.25]);
    const expected = join([
      int(1, 300),
      int(2, -7),
      int(20, 2n ** 63n - 1n),
      float(3, -0.75),
      double(4, 1e-300),
      text(5, "naïve 漢字"),
      bytes(6, Uint8Array.of(9, 0, 255)),
      packed(
        7,
        [0, 127, 128, -1, 2 ** 53 - 1].map((value) => varint(value)),
      ),
      bytes(8, new Uint8Array(Float32Array.of(1.5, -3.25).buffer)),
    ]);
    expect(flat(made)).toEqual([...expected]);
    expect(made.size).toBe(expected.length);
  });

  it("nests messages, lengths before what comes later", () => {
    const inner = new Message<string>().int(1, 5).later(2, 300, "weight").string(3, "behind");
    const made = new Message<string>().string(1, "ahead").message(2, inner).int(3, 1);
    const late = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 251);
    const expected = join([text(1, "ahead"), message(2, [int(1, 5), bytes(2, late), text(3, "behind")]), int(3, 1)]);
    expect(flat(made, (name) => (name === "weight" ? late : new Uint8Array()))).toEqual([...expected]);
    expect(made.size).toBe(expected.length);
    expect(made.pieces().length).toBe(3);
  });

  it("is written in few pieces, however many fields it has", () => {
    const made = new Message();
    for (let i = 0; i < 1000; i++) made.message(1, new Message().int(1, i).string(2, `node ${i}`));
    expect(made.pieces().length).toBe(1);
    expect(flat(made).length).toBe(made.size);
  });
});
