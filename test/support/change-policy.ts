import { writeFileSync } from "node:fs";
import { vi } from "vitest";
import type { MirrorBench } from "./mirror-bench.ts";

/** Gives a running mirror another policy, as an operator does, and waits until it holds. Throws what the mirror says against it. */
export async function changePolicy(mirror: MirrorBench, file: string, text: string): Promise<void> {
  writeFileSync(file, text);
  const before = mirror.logged.length;
  process.emit("SIGHUP", "SIGHUP");
  const told = await vi.waitUntil(
    () => mirror.logged.slice(before).find(({ message }) => /^the (?:changed )?policy (?:changed|is)/.test(message)),
    {
      timeout: 30_000,
      interval: 2,
    },
  );
  if (told.level === "error") throw told["err"];
}
