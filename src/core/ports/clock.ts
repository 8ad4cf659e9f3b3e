/** Time as an argument, so that tests choose it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}
