// Bundles each widget into dragstream/widgets/static: one .js and one .css a widget.
// With names it builds only those (`npm run build --prefix widgets -- timeline`).
// `--check` builds into a temporary folder and compares with what is committed.
import { build } from "esbuild";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = resolve(HERE, "../dragstream/widgets/static");
const WIDGETS = ["drag_canvas", "timeline", "drift_plot", "settings_panel", "studio_bar", "guard"];

async function bundle(folder, names = WIDGETS) {
  await build({
    absWorkingDir: HERE,
    entryPoints: names.flatMap((name) => [
      { in: `${name}/index.ts`, out: name },
      { in: `${name}/style.css`, out: name },
    ]),
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
}

async function stale(folder) {
  const names = new Set([...(await readdir(folder)), ...(await readdir(STATIC).catch(() => []))]);
  const different = [];
  for (const name of names) {
    const [fresh, committed] = await Promise.all(
      [folder, STATIC].map((at) => readFile(join(at, name), "utf8").catch(() => null)),
    );
    if (fresh !== committed) different.push(name);
  }
  return different;
}

if (process.argv.includes("--check")) {
  const folder = await mkdtemp(join(tmpdir(), "dragstream-widgets-"));
  try {
    await bundle(folder);
    const different = await stale(folder);
    if (different.length > 0) {
      console.error(`dragstream/widgets/static is not current: ${different.join(", ")}`);
      console.error("run `npm run build --prefix widgets` and commit the result");
      process.exitCode = 1;
    } else {
      console.log("the committed bundle is current");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
} else {
  const named = process.argv.slice(2);
  await bundle(STATIC, named.length > 0 ? named : WIDGETS);
}
