import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // By itself it leaves one core to others. Many tests wait for clients and mirrors that are processes of their own, so on two cores that would leave a third of both idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
