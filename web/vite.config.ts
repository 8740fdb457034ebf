import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Packages whose code is in the page: their licences ask that the notice travels with it. */
const BUNDLED = ["preact", "uplot"];

/**
 * Fold the script and the style sheet into the page, so that a report is one file without a request.
 * The content security policy then names exactly that script and that style sheet and allows nothing else:
 * no network, and no script that a study's labels could smuggle in.
 */
function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["report.html"];
      if (page?.type !== "asset") throw new Error("report.html is not in the bundle");
      let script = "";
      let style = "";
      for (const [name, file] of Object.entries(bundle)) {
        if (file === page) continue;
        if (file.type === "chunk") script += file.code;
        else if (name.endsWith(".css")) style += text(file.source);
        else throw new Error(`${name} would be a second file`);
        delete bundle[name];
      }
      script = script.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
      style = style.trim();
      const policy = [
        "default-src 'none'",
        `script-src '${sha256(script)}'`,
        `style-src '${sha256(style)}'`,
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
      ].join("; ");
      page.source = text(page.source)
        .replace(/\s*<script type="module"[^>]*><\/script>/, "")
        .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
        .replace("<!-- policy -->", () => `<meta http-equiv="Content-Security-Policy" content="${policy}">`)
        .replace("<!-- style -->", () => `<style>${style}</style>`)
        .replace("<!-- script -->", () => `<script type="module">${script}</script>`)
        .replace("<!-- notices -->", () => `<!--\n${notices()}\n-->`);
    },
  };
}

function text(source: string | Uint8Array): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}

function sha256(content: string): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

function notices(): string {
  return BUNDLED.map((name) => {
    const licence = readFileSync(new URL(`node_modules/${name}/LICENSE`, import.meta.url), "utf8");
    return `This page contains ${name}:\n${licence.trim()}`;
  })
    .join("\n\n")
    .replaceAll("--", "- -");
}

export default defineConfig({
  plugins: [oneFile()],
  build: {
    outDir: "../src/tidemill/app/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: { input: "report.html" },
  },
});
