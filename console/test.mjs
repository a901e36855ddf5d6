// Runs the tests under tests/ by node's own runner, once esbuild has made one file of each.
// Usage: node console/test.mjs

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tests = readdirSync(join(here, "tests")).filter((name) => name.endsWith(".test.ts"));
// Beside node_modules, so that what is not bundled is found.
const built = mkdtempSync(join(here, "..", "node_modules", ".console-tests-"));
try {
  await esbuild.build({
    absWorkingDir: here,
    entryPoints: tests.map((name) => join("tests", name)),
    outdir: built,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    jsx: "automatic",
    jsxImportSource: "preact",
    packages: "external",
    sourcemap: "inline",
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const files = tests.map((name) => join(built, name.replace(/\.ts$/, ".mjs")));
  const options = ["--enable-source-maps", "--test", "--test-reporter=dot", ...files];
  process.exitCode = spawnSync(process.execPath, options, { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(built, { recursive: true, force: true });
}
