/** Reads the model that a command is given. */
import { type OpenedModel, type OpenOptions, openModel } from "../formats/open.ts";
import { openFile, sourcesBeside } from "./files.ts";

/** What is said of the model itself, beside what is done with it. */
export interface Opening {
  readonly opening?: OpenOptions;
}

export const read = async (file: string, { opening }: Opening = {}): Promise<OpenedModel> =>
  openModel(await openFile(file), sourcesBeside(file), opening);
