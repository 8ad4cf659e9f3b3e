import { shown } from "../core/printable.ts";
import { roundedSize } from "./rounded-size.ts";

/** How often the line is drawn: often enough to be seen to move. */
const DRAWN_MS = 200;
const BAR_CHARACTERS = 20;

/** How far something is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  readonly refused: number;
}

interface Terminal {
  /** To standard error. */
  readonly warn: (text: string) => void;
  /** Whether standard error is a terminal. Nothing is drawn on anything else. */
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
}

/** One line of a terminal that is written over while something goes on. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #read: () => Progress;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, read: () => Progress) {
    this.#terminal = terminal;
    this.#read = read;
    if (terminal.isTerminal) this.#timer = setInterval(() => this.#draw(), DRAWN_MS).unref();
  }

  /** Takes the line away, so that others can be written; it comes back by itself. */
  clear(): void {
    if (this.#terminal.isTerminal) this.#terminal.warn("\r\x1b[K");
  }

  /** Takes it away for good. */
  end(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const text = progressText(this.#read(), seconds);
    // A line that wraps cannot be written over.
    this.#terminal.warn(`\r\x1b[K${shown(text).slice(0, (this.#terminal.columns ?? 80) - 1)}`);
  }
}

/** `[#####...............] 12 of 48 archives  3.4 MiB  1.2 MiB/s  1 refused`. */
function progressText({ done, total, bytes, refused }: Progress, seconds: number): string {
  const filled = total === 0 ? 0 : Math.floor((done / total) * BAR_CHARACTERS);
  const bar = `[${"#".repeat(filled)}${".".repeat(BAR_CHARACTERS - filled)}]`;
  const rate = seconds > 0 ? bytes / seconds : 0;
  return `${bar} ${done} of ${total} archives  ${roundedSize(bytes)}  ${roundedSize(rate)}/s${refused === 0 ? "" : `  ${refused} refused`}`;
}
