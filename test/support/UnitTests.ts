import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"

/** Modules that start PostgreSQL, Redis or a child process, or use one that the test run has started. */
const EXTERNAL = new Set(
  [
    "ChildProgram",
    "PackedClient",
    "PackedEffex",
    "PostgresServer",
    "RedisServer",
    "TestDatabase",
    "TestRedis"
  ].map((name) => resolve(import.meta.dirname, `${name}.ts`))
)

/** Other uses of PostgreSQL, Redis and child processes in a test file. */
const EXTERNAL_USE = /\binject\("(postgres|redis)"\)|"node:child_process"/

const RELATIVE_IMPORT = /^(?:import|export)\b[^"]*"(\.{1,2}\/[^"]+\.ts)"/gm

const requiresExternal = (file: string, visited = new Set<string>()): boolean => {
  if (visited.has(file)) return false
  visited.add(file)
  if (EXTERNAL.has(file)) return true
  const text = readFileSync(file, "utf8")
  if (EXTERNAL_USE.test(text)) return true
  return Array.from(text.matchAll(RELATIVE_IMPORT), ([, path = ""]) => resolve(dirname(file), path)).some(
    (imported) => imported.includes("/test/") && existsSync(imported) && requiresExternal(imported, visited)
  )
}

/**
 * Returns the test files that need neither PostgreSQL nor Redis nor a child process. They are found by their imports, so
 * that no list has to be kept in sync.
 */
export const find = (root: string): ReadonlyArray<string> =>
  globSync("test/**/*.test.ts", { cwd: root, exclude: ["test/faults/**"] })
    .toSorted()
    .filter((file) => !requiresExternal(resolve(root, file)))
