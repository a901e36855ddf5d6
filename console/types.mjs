// Checks the types of the page. Those of the API are generated from its OpenAPI document first, into .cache/console.
// Usage: node console/types.mjs

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const generated = join(".cache", "console", "api.d.ts");

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join("node_modules", program), ...args], {
    cwd: root,
  });
  if (status === 0) return;
  process.stderr.write(stdout);
  process.stderr.write(stderr);
  process.exit(status ?? 1);
}

mkdirSync(join(root, dirname(generated)), { recursive: true });
run("openapi-typescript/bin/cli.js", join("schemas", "console.json"), "--output", generated);
run("tsc-native/bin/tsc", "--project", "console");
