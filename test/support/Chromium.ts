import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runProgram } from "./ChildProgram.ts"

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]

const program = PROGRAMS.find((name) => spawnSync(name, ["--version"]).status === 0)

/** Absolute path of the installed browser. Empty without one. */
export const path =
  program === undefined
    ? ""
    : spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim()

/** True if a browser is installed. CI fails without one; elsewhere the tests are skipped with a message. */
export const isAvailable = program !== undefined

const HELP = "The browser test needs chromium on the PATH (Debian: apt-get install chromium)"
if (!isAvailable && process.env["CI"] === "true") throw new Error(HELP)
if (!isAvailable) process.stderr.write(`${HELP}; it is skipped\n`)

/** Opens a page in a headless browser and records its console output. */
export const open = Effect.fnUntraced(function* (url: string) {
  const profile = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effex-chromium-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  )
  return yield* runProgram(program ?? "chromium", [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--enable-logging=stderr",
    `--user-data-dir=${profile}`,
    url
  ])
})
