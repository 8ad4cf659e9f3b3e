/** Writers for the few DER structures that tests make: certificates and timestamps, right ones and wrong ones. */

export function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts);
export const set = (...parts: readonly Buffer[]): Buffer => element(0x31, ...parts);
export const integer = (value: number): Buffer => element(0x02, Buffer.from([value]));
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
export const octets = (...parts: readonly Buffer[]): Buffer => element(0x04, ...parts);
export const bits = (content: Buffer): Buffer => element(0x03, Buffer.from([0]), content);
export const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));

/** From the dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...arcs.flatMap(base128)]));
}

/** UTCTime, to the second. */
export function utcTime(ms: number): Buffer {
  return element(0x17, Buffer.from(digitsOf(ms).slice(2)));
}

/** GeneralizedTime, to the second. */
export function generalizedTime(ms: number): Buffer {
  return element(0x18, Buffer.from(digitsOf(ms)));
}

function digitsOf(ms: number): string {
  return `${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
