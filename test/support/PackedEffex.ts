import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseJsonObject } from "./TestServer.ts"

/** Root folder of this project. */
export const project = fileURLToPath(new URL("../../", import.meta.url))

/** An otherwise empty project with the packed effex installed. */
export interface Consumer {
  readonly folder: string
  /** Path of the `effex` command of the package. */
  readonly program: string
  readonly write: (name: string, text: string) => Effect.Effect<void>
}

const exec = (program: string, args: ReadonlyArray<string>, cwd: string) => {
  const { error, status, stderr, stdout } = spawnSync(program, args, { cwd, encoding: "utf8" })
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`)
  return stdout
}

/**
 * Packs effex and unpacks it next to links to the installed dependencies, without a registry. Builds like `prepack`, but
 * without type checks, which `npm run check` covers and which take most of the time.
 */
export const install = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "effex-consumer-"))
    const modules = join(folder, "node_modules")
    const unpacked = join(modules, "effex")
    await mkdir(unpacked, { recursive: true })
    // Not `dist/web`, which other tests use at the same time.
    for (const built of ["src", "migrations"])
      await rm(join(project, "dist", built), { recursive: true, force: true })
    exec("npm", ["run", "--silent", "build", "--", "--noCheck"], project)
    const pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
    const tarball = exec("npm", pack, project).trim().split("\n")
    exec("tar", ["-xzf", join(folder, tarball.at(-1) ?? ""), "--strip-components=1"], unpacked)
    const manifest = parseJsonObject(await readFile(join(unpacked, "package.json"), "utf8"))
    for (const name of Object.keys(Object(manifest["dependencies"]))) {
      await mkdir(dirname(join(modules, name)), { recursive: true })
      await symlink(join(project, "node_modules", name), join(modules, name))
    }
    await writeFile(join(folder, "package.json"), '{"name":"consumer","type":"module","private":true}')
    return folder
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
).pipe(
  Effect.map((folder): Consumer => ({
    folder,
    program: join(folder, "node_modules/effex/bin/effex"),
    write: (name, text) => Effect.promise(() => writeFile(join(folder, name), text))
  }))
)
