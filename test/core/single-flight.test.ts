import { expect, test } from "vitest";
import { Semaphore } from "../../src/core/semaphore.ts";
import { SingleFlight } from "../../src/core/single-flight.ts";

test("callers of one key share one run and its failure; the next caller runs anew", async () => {
  const flights = new SingleFlight<number>();
  let runs = 0;
  const fail = async (): Promise<number> => {
    runs++;
    await Promise.resolve();
    throw new Error("no");
  };
  const outcomes = await Promise.allSettled([flights.run("a", fail), flights.run("a", fail), flights.run("b", async () => 7)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  expect(runs).toBe(1);
  await expect(flights.run("a", async () => 1)).resolves.toBe(1);
});

test("a semaphore lets its slots in, queues in order, and turns away one past its queue", async () => {
  const gate = new Semaphore({ slots: 1, queue: 1, what: "fetches" });
  const order: string[] = [];
  const release = await gate.acquire();
  const second = gate.run(async () => void order.push("second"));
  await expect(gate.acquire()).rejects.toMatchObject({ code: "BUSY" });
  order.push("first");
  release();
  release(); // Giving back twice must not make a second slot.
  await second;
  expect(order).toEqual(["first", "second"]);
  const again = await gate.acquire();
  const waiting = gate.acquire();
  await expect(gate.acquire()).rejects.toMatchObject({ code: "BUSY" });
  again();
  (await waiting)();
});
