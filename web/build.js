import { existsSync } from "node:fs"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

// Runs within `npm ci` (the script `prepare`), also where the tools or the sources are missing: plain JavaScript that then
// does nothing.

const folder = fileURLToPath(new URL(".", import.meta.url))
const output = join(folder, "../dist/web")
const COMPRESSED = new Set([".css", ".html", ".js", ".svg", ".txt"])

/** Writes `.br` and `.gz` files next to those that they make smaller. */
const compress = async () => {
  for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
    // The server compresses index.html, because it adds the rates.
    if (!entry.isFile() || !COMPRESSED.has(extname(entry.name)) || entry.name === "index.html") continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    const [br, gz] = [brotliCompressSync(bytes, { params }), gzipSync(bytes, { level: 9 })]
    if (br.length < bytes.length) await writeFile(`${path}.br`, br)
    if (gz.length < bytes.length) await writeFile(`${path}.gz`, gz)
  }
}

const hasSources = ["index.html", "../src/client/promise/Entry.ts"].every((path) =>
  existsSync(join(folder, path))
)
const vite = hasSources ? await import("vite").catch(() => undefined) : undefined
if (vite === undefined) {
  process.stdout.write("The web app is not built here: its sources or Vite are missing\n")
} else {
  const options = { configFile: join(folder, "vite.config.ts"), logLevel: "warn" }
  await vite.build(options)
  await vite.build({ ...options, build: { ssr: "src/server.ts" } })
  await compress()
}
