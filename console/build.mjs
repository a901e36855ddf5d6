// Builds the page into the folder named by the one argument: index.html, and under assets/ what it loads, with the hash
// of its content in each name, so that it may be cached for ever. Beside each file stands its Brotli form (`.br`), so that
// whoever serves the folder need not compress.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2];
if (!target) {
  console.error("Usage: node console/build.mjs FOLDER");
  process.exit(2);
}

const { metafile } = await esbuild.build({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx", "styles/main.css"],
  outdir: join(target, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const built = Object.entries(metafile.outputs).map(([path, output]) => ({ ...output, path: join(here, path) }));
// Relative, as the page need not stand at the root of its host.
const address = ({ path }) => relative(target, path);
const entry = (point) => built.find((each) => each.entryPoint === point);
const script = entry("src/main.tsx");
// What the entry imports at once is fetched with it, not after it.
const preloads = script.imports
  .filter((each) => each.kind === "import-statement")
  .map((each) => `<link rel="modulepreload" href="${address({ path: join(here, each.path) })}" />`);
const head = [
  `<link rel="stylesheet" href="${address(entry("styles/main.css"))}" />`,
  ...preloads,
  `<script type="module" src="${address(script)}"></script>`,
];

const template = await readFile(join(here, "index.html"), "utf8");
const index = join(target, "index.html");
await writeFile(index, template.replace("<!-- what is built goes here -->", head.join("\n    ")));

const compress = promisify(brotliCompress);
await Promise.all(
  [index, ...built.map((each) => each.path)].map(async (path) => {
    const content = await readFile(path);
    const options = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    await writeFile(`${path}.br`, await compress(content, options));
  }),
);
