import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as SettingDefinitions from "../../src/config/SettingDefinitions.ts"

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")

describe("README.md", () => {
  it("has a row for every setting, with its default and its meaning", () => {
    for (const { meaning, name, shown } of SettingDefinitions.all) {
      assert.include(readme, `| \`${name}\` | ${shown} | ${meaning} |`)
    }
  })

  it("stays under 300 lines", () => {
    assert.isBelow(readme.split("\n").length, 300)
  })
})
