// Bundles each widget into dragstream/widgets/static, and the pages of sessions and of runs into
// dragstream/stream/static and dragstream/revel/static: one .js and one .css each.
// With names it builds only those (`npm run build --prefix widgets -- timeline`).
// `--check` builds into a temporary folder and compares with what is committed.
import { build } from "esbuild";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const WIDGETS = {
  folder: resolve(HERE, "../dragstream/widgets/static"),
  names: ["drag_canvas", "timeline", "drift_plot", "settings_panel", "studio_bar", "feature_view", "guard"],
  format: "esm",
};
// Inline scripts, which a strict content security policy allows by their hash.
const PAGE = { folder: resolve(HERE, "../dragstream/stream/static"), names: ["session_page"], format: "iife" };
const RUN_PAGES = { folder: resolve(HERE, "../dragstream/revel/static"), names: ["gallery", "blind"], format: "iife" };

async function bundle({ names, format }, folder) {
  await build({
    absWorkingDir: HERE,
    entryPoints: names.flatMap((name) => [
      { in: `${name}/index.ts`, out: name },
      { in: `${name}/style.css`, out: name },
    ]),
    outdir: folder,
    bundle: true,
    format,
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
}

async function stale(target) {
  const fresh = await mkdtemp(join(tmpdir(), "dragstream-widgets-"));
  try {
    await bundle(target, fresh);
    const names = new Set([...(await readdir(fresh)), ...(await readdir(target.folder).catch(() => []))]);
    const different = [];
    for (const name of names) {
      const [made, committed] = await Promise.all(
        [fresh, target.folder].map((at) => readFile(join(at, name), "utf8").catch(() => null)),
      );
      if (made !== committed) different.push(join(target.folder, name));
    }
    return different;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

if (process.argv.includes("--check")) {
  const different = (await Promise.all([WIDGETS, PAGE, RUN_PAGES].map(stale))).flat();
  if (different.length > 0) {
    console.error(`not current: ${different.join(", ")}`);
    console.error("run `npm run build --prefix widgets` and commit the result");
    process.exitCode = 1;
  } else {
    console.log("the committed bundle is current");
  }
} else {
  const named = process.argv.slice(2);
  for (const target of [WIDGETS, PAGE, RUN_PAGES]) {
    const names = target.names.filter((name) => named.length === 0 || named.includes(name));
    if (names.length > 0) await bundle({ ...target, names }, target.folder);
  }
}
