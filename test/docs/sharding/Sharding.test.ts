import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Citus from "./Citus.ts"
import * as SqlStatements from "./SqlStatements.ts"

const fileOf = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const statement = (text: string) => Citus.reasonsOf({ file: "test", text })

/** Rows of the table in the guide: file, and the reasons as words. */
const documented = Array.from(
  readFileSync(fileOf("docs/sharding.md"), "utf8").matchAll(/^\| `(src\/[^`]+)` \| (.+) \|$/gm),
  ([, file = "", reasons = ""]) => `${file}: ${reasons}`
)

describe("docs/sharding.md", () => {
  it("lists every file with statements that Citus would refuse, or run on every shard", () => {
    const found = new Map<string, Set<Citus.Reason>>()
    for (const one of SqlStatements.read(fileOf("src"))) {
      const reasons = Citus.reasonsOf(one)
      if (reasons.length === 0) continue
      const all = found.get(one.file) ?? new Set<Citus.Reason>()
      for (const reason of reasons) all.add(reason)
      found.set(one.file, all)
    }
    const order = Object.keys(Citus.REASONS)
    const rows = Array.from(found, ([file, reasons]) => {
      const words = Array.from(reasons)
        .toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
        .map((reason) => Citus.REASONS[reason])
      return `${file}: ${words.join("; ")}`
    }).toSorted()
    assert.isAtLeast(rows.length, 10)
    assert.deepStrictEqual(documented.toSorted(), rows)
  })
})

describe("The reading of statements", () => {
  it("finds statements with values, fragments and templates inside", () => {
    const found = SqlStatements.read(fileOf("src"))
    assert.isAtLeast(found.length, 300)
    assert.isTrue(
      found.some(({ file, text }) => file === "src/orders/OrderRepo.ts" && /wallet_id = \?/.test(text))
    )
  })

  it("distinguishes statements of one wallet from those of many", () => {
    assert.deepStrictEqual(statement("SELECT 1 FROM customer_order WHERE wallet_id = ? AND id = ?"), [])
    assert.deepStrictEqual(statement("SELECT 1 FROM customer_order WHERE state = ?"), ["scatter"])
    assert.deepStrictEqual(statement("SELECT 1 FROM customer_order WHERE state = ? FOR UPDATE SKIP LOCKED"), [
      "locks"
    ])
    assert.deepStrictEqual(statement("SELECT * FROM post_batch(?)"), ["posting"])
    assert.deepStrictEqual(
      statement("SELECT 1 FROM customer_order JOIN settlement_batch ON true WHERE wallet_id = ?"),
      ["joins"]
    )
    assert.deepStrictEqual(statement("SELECT 1 FROM exchange_rate"), [])
  })
})
