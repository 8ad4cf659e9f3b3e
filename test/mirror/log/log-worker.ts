// A process of its own that writes to the decision log of a data folder and signs checkpoints of it until it is killed: node log-worker.ts DATA_DIR NAME.
// Prints one line for each thing that was promised to last: `entry NAME`, and `checkpoint SIZE ROOT`.
import { CheckpointSigner } from "../../../src/mirror/log/checkpoint-signer.ts";
import { FileKeys } from "../../../src/store/keys/file-keys.ts";
import { SqliteDecisionTree } from "../../../src/store/log/sqlite-decision-tree.ts";
import { SqliteIndex } from "../../../src/store/sqlite-index.ts";
import { decide, npmArchive } from "../../support/decided.ts";

const [, , dataDir = "", worker = ""] = process.argv;
const clock = { now: Date.now };
const index = await SqliteIndex.open({ dataDir, clock });
const tree = await SqliteDecisionTree.open({ dataDir });
const signer = new CheckpointSigner({ tree, keys: new FileKeys({ dataDir, clock }), originOf: () => "log.example" });

for (let count = 0; ; count++) {
  const name = `${worker}-${count}`;
  await decide(index, npmArchive(name));
  process.stdout.write(`entry ${name}\n`);
  if (count % 3 !== 0) continue;
  const { size, root } = await signer.current();
  process.stdout.write(`checkpoint ${size} ${root.toString("hex")}\n`);
}
