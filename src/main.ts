#!/usr/bin/env node
// Before anything is loaded: a hang-up that comes before the mirror listens for it would end the process, and all it says is that files may have changed.
// The files are read after this line.
if (process.argv[2] === "serve") process.on("SIGHUP", () => {});

const { run } = await import("./cli/index.ts");
process.exitCode = await run(process.argv.slice(2), process.env);
