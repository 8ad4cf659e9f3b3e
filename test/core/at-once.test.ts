import { expect, test } from "vitest";
import { asTheyCome } from "../../src/core/as-they-come.ts";
import { inOrder } from "../../src/core/in-order.ts";

/** Work that ends when the test says so. */
class Bench {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (error?: Error) => void>();

  work = (item: string): Promise<string> => {
    this.begun.push(item);
    return new Promise((resolve, reject) => this.#ends.set(item, (error) => (error ? reject(error) : resolve(item.toUpperCase()))));
  };

  end(item: string, error?: Error): void {
    this.#ends.get(item)?.(error);
  }
}

test("results come as they end, with no more under way than allowed", async () => {
  const bench = new Bench();
  const results = asTheyCome(["a", "b", "c"], 2, bench.work);
  const first = results.next();
  expect(bench.begun).toEqual(["a", "b"]);
  bench.end("b");
  expect(await first).toEqual({ done: false, value: "B" });
  const second = results.next();
  bench.end("c");
  expect(await second).toEqual({ done: false, value: "C" });
  bench.end("a");
  expect(await results.next()).toEqual({ done: false, value: "A" });
  expect(await results.next()).toEqual({ done: true, value: undefined });
});

test("once aborted nothing more is begun, and what was ends", async () => {
  const bench = new Bench();
  const abort = new AbortController();
  const results = asTheyCome(["a", "b"], 1, bench.work, abort.signal);
  const first = results.next();
  abort.abort();
  bench.end("a");
  expect(await first).toEqual({ done: false, value: "A" });
  expect(await results.next()).toEqual({ done: true, value: undefined });
  expect(bench.begun).toEqual(["a"]);
});

test.each([
  ["as they come", asTheyCome<string, string>],
  ["in order", inOrder<string, string>],
])("what work throws is thrown: %s", async (_, iterate) => {
  const bench = new Bench();
  const results = iterate(["a", "b"], 2, bench.work);
  const first = results.next();
  bench.end("a", new Error("no"));
  bench.end("b", new Error("unheard"));
  await expect(first).rejects.toThrow("no");
});

test("in order, whichever ends first", async () => {
  const bench = new Bench();
  const results = inOrder(["a", "b", "c"], 2, bench.work);
  const first = results.next();
  expect(bench.begun).toEqual(["a", "b"]);
  bench.end("b");
  bench.end("a");
  expect((await first).value).toBe("A");
  const second = results.next();
  expect((await second).value).toBe("B");
  expect(bench.begun).toEqual(["a", "b", "c"]);
  bench.end("c");
  expect((await results.next()).value).toBe("C");
});
