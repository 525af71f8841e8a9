import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as ETag from "../../encoding/ETag.ts"

/** Folder of the built app: `dist/web` of this project, seen from the source or from its compiled form in `dist`. */
const FOLDER = fileURLToPath(
  new URL(
    import.meta.filename.endsWith(".ts") ? "../../../../dist/web/" : "../../../../web/",
    import.meta.url
  )
)

/** Command that builds the app. */
export const BUILD_COMMAND = "npm run build:web"

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8"
}

/** A file with its compressed forms. */
export interface WebFile {
  readonly contentType: string
  readonly hash: string
  /** The file has a hash of its content in its name. */
  readonly isImmutable: boolean
  /** Compressed by the build. Absent where that would not be smaller. */
  readonly bodies: { readonly identity: Uint8Array; readonly br?: Uint8Array; readonly gzip?: Uint8Array }
}

const Manifest = Schema.Record(
  Schema.String,
  Schema.Struct({
    file: Schema.String,
    imports: Schema.optional(Schema.Array(Schema.String)),
    css: Schema.optional(Schema.Array(Schema.String))
  })
)
/** Scripts and style sheets of the pages, as Vite writes them. */
export type Manifest = typeof Manifest.Type

const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))

/** The built app. */
export interface WebFiles {
  readonly manifest: Manifest
  /** The page, with a placeholder for the rates. */
  readonly index: string
  /** All other files, by path: `/assets/index-Dk3f.js`. */
  readonly files: ReadonlyMap<string, WebFile>
}

const read = async (folder: string): Promise<WebFiles> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.replace(/\/?$/, "/")}${entry.name}`.slice(folder.length))
  const bytes = new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path))] as const))
  )
  const files = new Map<string, WebFile>()
  for (const [path, identity] of bytes) {
    const contentType = CONTENT_TYPES[extname(path)]
    if (contentType === undefined) continue
    const [br, gzip] = [bytes.get(`${path}.br`), bytes.get(`${path}.gz`)]
    files.set(`/${path}`, {
      contentType,
      hash: createHash("sha256").update(identity).digest("base64url").slice(0, 22),
      isImmutable: path.startsWith("assets/"),
      bodies: { identity, ...(br === undefined ? {} : { br }), ...(gzip === undefined ? {} : { gzip }) }
    })
  }
  const text = (path: string, absent: string) => bytes.get(path)?.toString("utf8") ?? absent
  return {
    manifest: decodeManifest(text(".vite/manifest.json", "{}")),
    index: text("index.html", ""),
    files
  }
}

/** Reads the built app into memory. Undefined if it was not built. */
export const load: Effect.Effect<WebFiles | undefined> = Effect.promise(async () => {
  const web = await read(FOLDER).catch(() => undefined)
  return web?.index === "" ? undefined : web
})

/** ETag of a body in an encoding. */
export const etagOf = (hash: string, encoding: string): string =>
  ETag.make(encoding === "identity" ? hash : `${hash}-${encoding}`)
