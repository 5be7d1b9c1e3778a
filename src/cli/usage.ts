/** Wrong usage: the command line ends with 2. */
export class UsageError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UsageError";
  }
}
