import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"

const root = new URL("../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(new URL("docs/", root))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
]

const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, "")

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-")

const anchorsOf = (text: string) =>
  Array.from(withoutCode(text).matchAll(/^#+ (.+)$/gm), ([, heading = ""]) => anchorOf(heading))

/** Targets of links and images, without those on other sites. */
const relativeLinksOf = (text: string) =>
  Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target).filter(
    (target) => !/^[a-z]+:/.test(target)
  )

/** Paths of files and folders of the repository, without those with a placeholder. */
const sourcePathsOf = (text: string) =>
  Array.from(
    text.matchAll(/(?<![\w./])(?:src|test|migrations|ops|bench)\/[\w./<>*-]*/g),
    ([path]) => path
  ).filter((path) => !/[<>*]/.test(path))

describe.each(documents)("%s", (document) => {
  const text = read(document)

  it("links to existing files and headings", () => {
    const broken = relativeLinksOf(text).filter((link) => {
      const [path = "", anchor] = link.split("#")
      const target = path === "" ? new URL(document, root) : new URL(path, new URL(document, root))
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(target, "utf8")).includes(anchor)
    })
    assert.deepStrictEqual(broken, [])
  })

  it("names existing paths of the repository", () => {
    const missing = sourcePathsOf(text).filter((path) => !existsSync(new URL(path.replace(/[.]$/, ""), root)))
    assert.deepStrictEqual(missing, [])
  })
})

describe("ARCHITECTURE.md", () => {
  it("quotes the composition in test/App.test.ts", () => {
    const [, code = assert.fail("ARCHITECTURE.md has no TypeScript")] =
      /```ts\n(.*?)```/s.exec(read("ARCHITECTURE.md")) ?? []
    assert.include(read("test/App.test.ts"), code)
  })
})

describe("README.md", () => {
  const lines = read("README.md").split("\n")

  it("has fewer than 250 lines", () => {
    assert.isBelow(lines.length, 250)
  })

  it("has no line longer than 120 characters", () => {
    assert.deepStrictEqual(
      lines.filter((line) => line.length > 120),
      []
    )
  })
})
