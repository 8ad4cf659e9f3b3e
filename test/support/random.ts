/** Chances that are the same in every run: a failed property is found again with the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    // The generator that Numerical Recipes names for quick tests; its high bits are good enough for choices.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** A text of at most `maxLength` pieces. */
  text(pieces: readonly [string, ...string[]], maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => this.pick(pieces)).join("");
  }
}
