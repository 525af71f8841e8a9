import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as SettingDefinitions from "../../src/config/SettingDefinitions.ts"

const document = readFileSync(new URL("../../docs/settings.md", import.meta.url), "utf8")

describe("docs/settings.md", () => {
  it("has a row for every setting, with its default and its meaning", () => {
    const rows = SettingDefinitions.all.map(
      ({ description, name, defaultText }) => `| \`${name}\` | ${defaultText} | ${description} |`
    )
    const missing = rows.filter((row) => !document.includes(row))
    assert.deepStrictEqual(missing, [])
  })
})
