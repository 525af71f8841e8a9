import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { project } from "./PackedEffex.ts"

/** A folder made by `npm init -y` with the packed `effex-client` installed. */
export interface Consumer {
  readonly folder: string
  readonly write: (name: string, text: string) => Effect.Effect<void>
  /** Links a package into the folder, in place of an installation from the registry. */
  readonly link: (name: string, path: string) => Effect.Effect<void>
}

/** Runs a program to its end, and returns its standard output. */
export const exec = (program: string, args: ReadonlyArray<string>, cwd: string) => {
  const { error, status, stderr, stdout } = spawnSync(program, args, { cwd, encoding: "utf8" })
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`)
  return stdout
}

/** Builds like `prepack`, but without type checks, which take most of the time and which `npm run check` covers. */
const pack = async (destination: string) => {
  await rm(join(project, "packages/client/dist"), { recursive: true, force: true })
  exec("npx", ["tsc", "--project", "tsconfig.client.json", "--noCheck"], project)
  exec("npm", ["run", "--silent", "bundle:client"], project)
  const args = [
    "pack",
    "--silent",
    "--ignore-scripts",
    "--pack-destination",
    destination,
    "./packages/client"
  ]
  return join(destination, exec("npm", args, project).trim())
}

/** Packs the client and installs it without a registry: it has no dependencies. */
export const install = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "effex-client-"))
    const tarball = await pack(folder)
    exec("npm", ["init", "-y"], folder)
    exec("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], folder)
    return folder
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
).pipe(
  Effect.map((folder): Consumer => ({
    folder,
    write: (name, text) => Effect.promise(() => writeFile(join(folder, name), text)),
    link: (name, path) =>
      Effect.promise(async () => {
        const place = join(folder, "node_modules", name)
        await mkdir(dirname(place), { recursive: true })
        await rm(place, { recursive: true, force: true })
        await symlink(path, place)
      })
  }))
)
