/** One plain line for the person who waits. On stderr, so that what a command prints stays clean. */
export function say(line) {
  process.stderr.write(`assay: ${line}\n`);
}

/** Set-up cannot go on: what failed, and what its reader can do. */
export class SetUpError extends Error {
  constructor(message, nextStep) {
    super(message);
    this.nextStep = nextStep;
  }
}
