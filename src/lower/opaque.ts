import { Node, type Origin, type Type, type Value } from "../graph/graph.ts";

/** Stands for a value whose node could not be lowered, so that the walk can go on and find the other faults. Never written. */
export const opaque = (type: Type, origin: Origin): Value => new Node("Opaque", [], {}, origin, [type], [], false).output;
