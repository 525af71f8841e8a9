import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createPublicKey } from "node:crypto"
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Consistency } from "../../../src/audit/tree/Consistency.ts"
import { toReceiptHead } from "../../../src/audit/Receipt.ts"
import { newest, signerOf, startOwned } from "../../support/AuditNode.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { SIGNING_KEY } from "../../support/TestConversions.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "effex-audit-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

/** A database with three sealed conversions, a head of each size, and commands with the key that signed them. */
const make = Effect.gen(function* () {
  const { node, sql, url } = yield* startOwned()
  yield* node.convertAndSeal(3)
  const dir = yield* directory
  const env = {
    DATABASE_URL: url,
    DATA_DIR: join(dir, "data"),
    LOG_LEVEL: "none",
    AUDIT_SIGNING_KEY: SIGNING_KEY
  }
  const file = (name: string, text: string) =>
    Effect.promise(async () => {
      await writeFile(join(dir, name), text)
      return join(dir, name)
    })
  const effex = (...args: ReadonlyArray<string>) => EffexCommand.exec(args, env)
  return { node, sql, url, dir, env, file, effex }
})

const { publicKey } = signerOf(7)
const hexKey = publicKey.toString("hex")
const derKey = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey])
const pemKey = createPublicKey({ key: derKey, format: "der", type: "spki" }).export({
  format: "pem",
  type: "spki"
})

describe("effex audit verify", () => {
  it.live("accepts kept heads in each form in which the API and the commands return them", () =>
    Effect.gen(function* () {
      const { effex, file, node } = yield* make
      const heads = (yield* node.heads).map(toReceiptHead)
      const printed = yield* effex("audit", "heads")
      assert.strictEqual(printed.stdout, heads.map((head) => `${JSON.stringify(head)}\n`).join(""))
      const later = yield* effex("audit", "heads", "--after", "2")
      assert.strictEqual(later.stdout, `${JSON.stringify(heads[2])}\n`)
      const forms = {
        ndjson: [printed.stdout, 3],
        blankLines: [`\n${printed.stdout}\n\n`, 3],
        crlf: [printed.stdout.replaceAll("\n", "\r\n"), 3],
        one: [JSON.stringify(heads[1]), 1],
        pretty: [JSON.stringify(heads[1], null, 2), 1],
        api: [JSON.stringify({ heads }), 3],
        prettyApi: [JSON.stringify({ heads }, null, 2), 3],
        list: [JSON.stringify(heads), 3],
        receipt: [JSON.stringify({ record: {}, position: 1, proof: [], head: heads[0] }), 1]
      } as const
      for (const [name, [text, count]] of Object.entries(forms)) {
        const verified = yield* effex("audit", "verify", "--json", "--head", yield* file(name, text))
        assert.strictEqual(verified.code, 0, `${name}: ${verified.output}`)
        assert.deepInclude(verified.json, { ok: true, records: 3, kept_heads: count }, name)
      }
      const first = yield* file("first", JSON.stringify(heads[0]))
      const last = yield* file("last", JSON.stringify(heads[2]))
      const both = yield* effex("audit", "verify", "--head", first, "--head", last, "--key", hexKey)
      assert.strictEqual(both.code, 0, both.output)
      assert.match(both.output, /^kept heads +2$/m)
    }).pipe(Effect.scoped)
  )

  it.live("takes the public key as hexadecimal, base64, DER or PEM, or from a file", () =>
    Effect.gen(function* () {
      const { effex, file } = yield* make
      const keys = [
        hexKey,
        hexKey.toUpperCase(),
        publicKey.toString("base64"),
        derKey.toString("base64"),
        yield* file("hex", `${hexKey}\n`),
        yield* file("pem", String(pemKey))
      ]
      for (const key of keys) {
        const verified = yield* effex("audit", "verify", "--key", key)
        assert.strictEqual(verified.code, 0, `${key}: ${verified.output}`)
      }
      const stranger = yield* effex("audit", "verify", "--key", signerOf(66).publicKey.toString("hex"))
      assert.strictEqual(stranger.code, 1)
      assert.include(stranger.output, `the head of 1 records is signed with the key ${hexKey}`)
      for (const key of ["nonsense", hexKey.slice(1), yield* file("none", "nothing")]) {
        const { code, output } = yield* effex("audit", "verify", "--key", key)
        assert.strictEqual(code, 1)
        assert.include(output, "allowed: 32 bytes in hexadecimal or base64")
      }
    }).pipe(Effect.scoped)
  )

  it.live("exits with 1 and names the contradiction to a kept head", () =>
    Effect.gen(function* () {
      const { effex, file, node, sql } = yield* make
      const head = yield* file("head.json", JSON.stringify(toReceiptHead(newest(yield* node.heads))))
      yield* sql`DELETE FROM audit_head WHERE tree_size = 3`
      const withoutHead = yield* effex("audit", "verify")
      assert.strictEqual(withoutHead.code, 1)
      assert.include(
        withoutHead.output,
        "no signed head covers the records after 2: the newest head was deleted"
      )
      const verified = yield* effex("audit", "verify", "--head", head, "--json")
      assert.strictEqual(verified.code, 1)
      assert.include(verified.stdout, '"ok":false')
      assert.include(verified.output, "the signed head of 3 records, of which a copy was kept, was deleted")
    }).pipe(Effect.scoped)
  )

  it.live("rejects files without valid heads, with the line", () =>
    Effect.gen(function* () {
      const { effex, file, node } = yield* make
      const [head] = (yield* node.heads).map(toReceiptHead)
      const cases = [
        ["", "is empty"],
        ["[]", "has no heads"],
        ['{"heads":[]}', "has no heads"],
        ["{", "is not valid JSON"],
        [`${JSON.stringify(head)}\n{"tree_size":1}\n`, "line 2 is not a signed head"],
        [JSON.stringify({ ...head, root_hash: "x" }), "is not a signed head"],
        [JSON.stringify(head).replace("{", '{"tree_size":2,'), "is not valid JSON"]
      ] as const
      for (const [text, expected] of cases) {
        const { code, output } = yield* effex("audit", "verify", "--head", yield* file("heads", text))
        assert.strictEqual(code, 1)
        assert.include(output, expected)
        assert.include(output, "allowed: signed heads as JSON or NDJSON")
      }
      const missing = yield* effex("audit", "verify", "--head", "/nonexistent/heads")
      assert.strictEqual(missing.code, 1)
      assert.include(missing.output, "cannot be read")
    }).pipe(Effect.scoped)
  )
})

describe("effex audit rotate-key", () => {
  it.live("prints a new key for AUDIT_SIGNING_KEY, which both keys have signed", () =>
    Effect.gen(function* () {
      const { effex, env, node } = yield* make
      const rotated = yield* effex("audit", "rotate-key")
      assert.strictEqual(rotated.code, 0, rotated.output)
      const seed = rotated.stdout.trim()
      assert.strictEqual(Buffer.from(seed, "base64").length, 32)
      const withNewKey = { ...env, AUDIT_SIGNING_KEY: seed }
      const keys = yield* EffexCommand.exec(["audit", "keys", "--json"], withNewKey)
      assert.notStrictEqual(keys.json["public_key"], hexKey)
      assert.include(keys.stdout, `"previous_key":"${hexKey}"`)
      const shown = yield* effex("audit", "keys")
      assert.include(shown.output, "both keys")
      for (const environment of [env, withNewKey]) {
        const verified = yield* EffexCommand.exec(["audit", "verify"], environment)
        assert.strictEqual(verified.code, 0, verified.output)
      }
      const again = yield* effex("audit", "rotate-key")
      assert.strictEqual(again.code, 1)
      assert.include(again.output, "the current key was already replaced")
      yield* node.convertAndSeal(1)
      assert.isTrue((yield* node.verify).ok)
    }).pipe(Effect.scoped)
  )

  it.live("replaces the key file of DATA_DIR and keeps the previous one", () =>
    Effect.gen(function* () {
      const { dir, env } = yield* make
      const data = join(dir, "data")
      const withFile = { DATABASE_URL: env.DATABASE_URL, DATA_DIR: data, LOG_LEVEL: "none" }
      yield* EffexCommand.exec(["audit", "keys"], withFile)
      yield* Effect.promise(() => writeFile(join(data, "audit-signing-key"), SIGNING_KEY))
      const rotated = yield* EffexCommand.exec(["audit", "rotate-key"], withFile)
      assert.strictEqual(rotated.code, 0, rotated.output)
      assert.strictEqual(rotated.stdout, "")
      const files = (yield* Effect.promise(() => readdir(data))).toSorted()
      assert.deepStrictEqual(files, ["audit-signing-key", `audit-signing-key.${hexKey.slice(0, 16)}`])
      const [next = "", previous] = yield* Effect.forEach(files, (name) =>
        Effect.promise(() => readFile(join(data, name), "utf8"))
      )
      assert.strictEqual(previous, SIGNING_KEY)
      assert.notInclude(rotated.output, next)
      for (const name of files) {
        const { mode } = yield* Effect.promise(() => stat(join(data, name)))
        if (name === "audit-signing-key") assert.strictEqual(mode & 0o777, 0o600)
      }
      const verified = yield* EffexCommand.exec(["audit", "verify", "--key", hexKey], withFile)
      assert.strictEqual(verified.code, 0, verified.output)
      const keys = yield* EffexCommand.exec(["audit", "keys", "--json"], withFile)
      assert.notStrictEqual(keys.json["public_key"], hexKey)
    }).pipe(Effect.scoped)
  )
})

describe("effex audit replace-lost-key", () => {
  it.live("lets a new key continue the audit", () =>
    Effect.gen(function* () {
      const { env } = yield* make
      const withNewKey = { ...env, AUDIT_SIGNING_KEY: Buffer.alloc(32, 8).toString("base64") }
      const exec = (...args: ReadonlyArray<string>) => EffexCommand.exec(args, withNewKey)
      const before = yield* exec("audit", "verify")
      assert.strictEqual(before.code, 1)
      assert.include(before.output, "is signed with the key")
      const replaced = yield* exec("audit", "replace-lost-key", hexKey)
      assert.strictEqual(replaced.code, 0, replaced.output)
      assert.include(replaced.output, "vouches for the 3 records")
      assert.strictEqual((yield* exec("audit", "verify")).code, 0)
    }).pipe(Effect.scoped)
  )
})

describe("effex receipt verify", () => {
  it.live("connects a receipt with a kept head by a consistency proof", () =>
    Effect.gen(function* () {
      const { effex, file, node } = yield* make
      const [first = assert.fail()] = yield* node.heads
      const ids = yield* node.convertAndSeal(4)
      const receipt = yield* node.receipt(ids[1] ?? assert.fail())
      const size = receipt.head.tree_size
      const prove = (from: number, to: number) =>
        Effect.map(node.run(Effect.flatMap(Consistency, ({ prove }) => prove(from, to))), (proof) =>
          JSON.stringify({ from, to, proof: proof.map((hash) => hash.toString("hex")) })
        )
      const paths = {
        receipt: yield* file("receipt.json", JSON.stringify(receipt)),
        kept: yield* file("kept.json", JSON.stringify(toReceiptHead(first))),
        proof: yield* file("proof.json", yield* prove(1, size)),
        other: yield* file("other.json", yield* prove(2, size)),
        same: yield* file("same.json", JSON.stringify(receipt.head)),
        forged: yield* file(
          "forged.json",
          JSON.stringify(toReceiptHead(signerOf(7).sign({ ...first, rootHash: Buffer.alloc(32, 1) })))
        )
      }
      const verify = (...args: ReadonlyArray<string>) =>
        effex("receipt", "verify", paths.receipt, "--key", hexKey, ...args)
      for (const args of [
        ["--head", paths.kept, "--consistency", paths.proof],
        ["--head", paths.same]
      ]) {
        const verified = yield* verify(...args)
        assert.strictEqual(verified.code, 0, verified.output)
      }
      for (const [args, expected] of [
        [["--head", paths.kept], `/api/v1/audit/consistency?from=1&to=${size}`],
        [["--head", paths.kept, "--consistency", paths.other], `it must connect 1 and ${size}`],
        [
          ["--head", paths.forged, "--consistency", paths.proof],
          `the audit of ${size} records does not continue the audit of 1 records`
        ],
        [["--head", paths.kept, "--consistency", paths.kept], "is not a consistency proof"]
      ] as const) {
        const rejected = yield* verify(...args)
        assert.strictEqual(rejected.code, 1)
        assert.include(rejected.output, expected)
      }
    }).pipe(Effect.scoped)
  )
})
