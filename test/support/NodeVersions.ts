import { existsSync } from "node:fs"
import { join } from "node:path"

const modules = join(import.meta.dirname, "node-versions/node_modules")

/** Versions of Node.js that the packages are tested with, besides the one of the tests. */
export const NODE_20 = join(modules, "node-20/bin/node")
export const NODE_22 = join(modules, "node-22/bin/node")

/** True if the other versions are installed. CI fails without them; elsewhere the tests are skipped with a message. */
export const areInstalled = [NODE_20, NODE_22].every((path) => existsSync(path))

const HELP =
  "The tests of other Node.js versions need `npm ci --prefix test/support/node-versions` on Linux with an x64 processor"
if (!areInstalled && process.env["CI"] === "true") throw new Error(HELP)
if (!areInstalled) process.stderr.write(`${HELP}; they are skipped\n`)
