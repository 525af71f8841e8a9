import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL("../../dist/web/", import.meta.url))

/** Small files have no compressed form. */
const sizeOf = (path: string) => {
  const compressed = `${folder}${path}.gz`
  return readFileSync(existsSync(compressed) ? compressed : `${folder}${path}`).length
}
const sum = (paths: ReadonlyArray<string>) => paths.reduce((total, path) => total + sizeOf(path), 0)

/** Limits in bytes, compressed with gzip. They catch accidental growth. */
const MAX_FIRST_SCRIPTS = 60_000
const MAX_FIRST_STYLES = 8000
const MAX_CHART = 30_000
const MAX_OTHER_ROUTE = 12_000

describe("The built web app", () => {
  it("exists: npm ci builds it, and so does npm run build:web", () => {
    assert.isTrue(existsSync(`${folder}index.html`), folder)
  })

  const index = readFileSync(`${folder}index.html`, "utf8")
  const first = Array.from(index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g), ([, path = ""]) => path)
  const [scripts, styles] = [".js", ".css"].map((end) => first.filter((path) => path.endsWith(end)))

  it("loads its first page from at most three scripts and two style sheets, within their limits", () => {
    assert.isAtMost(scripts?.length ?? 0, 3)
    assert.isAtMost(styles?.length ?? 0, 2)
    assert.isBelow(sum(scripts ?? []), MAX_FIRST_SCRIPTS)
    assert.isAbove(sum(scripts ?? []), MAX_FIRST_SCRIPTS * 0.6)
    assert.isBelow(sum(styles ?? []), MAX_FIRST_STYLES)
  })

  it("loads the other pages and the chart on demand, within their limits", () => {
    const others = globSync("assets/*.js", { cwd: folder }).filter((path) => !first.includes(path))
    assert.isAtLeast(others.length, 4)
    for (const path of others)
      assert.isBelow(sizeOf(path), basename(path).startsWith("Chart-") ? MAX_CHART : MAX_OTHER_ROUTE, path)
  })

  it("has no inline script or style, and nothing of another host", () => {
    assert.notMatch(index, /<script(?![^>]*\bsrc=)/)
    assert.notMatch(index, /<style|\sstyle=|\son\w+=/)
    assert.notMatch(index, /(?:src|href)="(?:https?:)?\/\//)
  })
})
