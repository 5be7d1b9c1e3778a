/** What one reading of a protobuf file shares: its problems, and how much it may still take. */
import { modelError } from "../../base/problem.ts";
import { Reports } from "../reports.ts";

/**
 * Nodes, values, attributes, tensors, and ONNX's list elements by the eight. A graph of a million nodes takes six to eight million; objects
 * of twice that fill a default heap.
 */
const MAX_OBJECTS = 2 ** 24;

export class Reading extends Reports {
  private objects = 0;

  /** Counts what is about to be allocated; `offset` is where it is in the file, in bytes. */
  spend(count: number, offset: number): void {
    this.objects += count;
    if (this.objects > MAX_OBJECTS)
      throw modelError("too-large", `more than ${MAX_OBJECTS} nodes, values and attributes`, { offset });
  }
}
