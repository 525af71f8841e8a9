import { assert, describe, it as test, layer } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { encodeRecord } from "../../src/audit/AuditHash.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../src/audit/AuditSigner.ts"
import { get, parseJsonObject, TestServer } from "../support/TestServer.ts"
import * as AuditVectors from "./AuditVectors.ts"

const pathOf = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url))
const VERIFIER = pathOf("verify_audit.py")
const VECTORS = pathOf("audit-vectors.json")

const runPython = (args: ReadonlyArray<string>) => {
  const { error, status, stderr, stdout } = spawnSync("python3", args, { encoding: "utf8" })
  if (error !== undefined) throw new Error(`python3 is required for this test: ${error.message}`)
  return { code: status, output: `${stdout}${stderr}`.trim() }
}

/** Skipped, and reported as such, on a machine without Python. In CI it must not be skipped. */
const isSkipped = spawnSync("python3", ["--version"]).error !== undefined && process.env["CI"] === undefined

describe("docs/audit-format.md", () => {
  const document = readFileSync(pathOf("audit-format.md"), "utf8")

  test("lists the hashed fields in their order", () => {
    const documented = Array.from(document.matchAll(/^\| (\d+) \| `(\w+)` \|/gm), ([, n, name]) => [n, name])
    const fields = AuditVectors.makeVectors().records[0]?.record ?? assert.fail()
    // A record whose values are the names of its fields shows their order in its bytes.
    const named = Object.fromEntries(Object.keys(fields).map((name) => [name, `<${name}>`]))
    const order = encodeRecord({ ...fields, ...named })
      .toString("latin1")
      .matchAll(/<(\w+)>/g)
    assert.deepStrictEqual(
      documented,
      Array.from(order, ([, name], i) => [String(i + 1), name])
    )
  })

  test("has the vectors that the code produces", () => {
    assert.strictEqual(readFileSync(VECTORS, "utf8"), AuditVectors.format(AuditVectors.makeVectors()))
  })
})

describe.skipIf(isSkipped)("docs/verify_audit.py with the vectors", () => {
  test("accepts them", () => {
    assert.deepStrictEqual(runPython([VERIFIER, "vectors", VECTORS]), {
      code: 0,
      output:
        "valid: 7 records, 7 heads, 28 inclusion proofs, 28 consistency proofs, 1 key rotations, 8 receipts"
    })
  })
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effex-verifier-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const convert = (body: object) =>
  Effect.map(
    get("/api/v1/convert", { method: "POST", body: JSON.stringify(body) }),
    ({ json, status, text }) => {
      assert.strictEqual(status, 200, text)
      return String(json["audit_id"])
    }
  )

const requests = [
  { amount: "500.00", from_currency: "USD", to_currency: "NGN", reference: "Überweisung № 7 — ₦ 😀" },
  { amount: "100000", from_currency: "USD", to_currency: "NGN", amount_type: "target" },
  { amount: "12.34", from_currency: "EUR", to_currency: "UGX", reference: '=1+1, "quoted"' },
  { amount: 7, from_currency: "GBP", to_currency: "XOF" }
]

/** Converts, seals, and writes what a server publishes into files. */
const publish = Effect.gen(function* () {
  const path = yield* folder
  const { publicKey } = yield* AuditSigner
  const sealer = yield* AuditSealer
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(path, name), content)
    return join(path, name)
  }
  const ids: Array<string> = []
  const sealedSizes: Array<number> = []
  for (const batch of [requests.slice(0, 3), requests, requests.slice(2)]) {
    for (const request of batch) ids.push(yield* convert(request))
    yield* sealer.sealAll
    sealedSizes.push(ids.length)
  }
  const ndjson = { headers: { accept: "application/x-ndjson" } }
  const exported = (yield* get("/api/v1/audit/conversions?after=0", ndjson)).text
  const { heads } = (yield* get("/api/v1/audit/heads")).json
  if (!Array.isArray(heads)) return assert.fail()
  const headLines = heads.map((head: unknown) => JSON.stringify(head))
  assert.strictEqual(headLines.length, sealedSizes.length)
  const receipts = yield* Effect.forEach(ids, (id) =>
    Effect.map(get(`/api/v1/audit/conversions/${id}/receipt`), ({ text }) => text)
  )
  const key = publicKey.toString("hex")
  const run = (...args: ReadonlyArray<string>) => runPython([VERIFIER, ...args, "--key", key])
  return { exported, headLines, ids, key, receipts, run, write }
})

layer(TestServer.layer(), { excludeTestServices: true })("docs/verify_audit.py with a server", (it) => {
  it.effect.skipIf(isSkipped)(
    "accepts its receipts, its export and a consistency proof, and rejects changed ones",
    () =>
      Effect.gen(function* () {
        const { exported, headLines, ids, key, receipts, run, write } = yield* publish
        const assertInvalid = ({ code, output }: ReturnType<typeof run>, reason: string) => {
          assert.strictEqual(code, 1, output)
          assert.match(output, /^invalid: /)
          assert.include(output, reason)
        }

        const valid = run("receipt", ...receipts.map((text, i) => write(`receipt-${i}.json`, text)))
        assert.strictEqual(valid.code, 0, valid.output)
        for (const [i, id] of ids.entries())
          assert.include(valid.output, `valid: ${id} is record ${i + 1} of ${ids.length}`)
        const receipt = receipts[1] ?? assert.fail()
        const { chain, head, proof } = parseJsonObject(receipt)
        const { hash, previous_hash } = Object(chain)
        const amount = '"output_amount":"100000.00"'
        const changes = [
          [amount, '"output_amount":"100000.01"', "do not produce the signed root"],
          [amount, `${amount},${amount}`, "repeats a key"],
          [amount, `${amount},"note":"paid"`, "record has the unknown field note"],
          [amount, '"output_amount":100000.00', "100000.00 is not an integer"],
          [amount, '"output_amount":100000', "output_amount must be a string"],
          ['"stale":false', '"stale":"false"', "stale must be true or false"],
          ['"quote_id":null,', "", "record has no field quote_id"],
          ['"quote_id":null', '"quote_id":"null"', "do not produce the signed root"],
          ['"provider":"test"', '"provider":"\\ud800"', "lone surrogate"],
          ['"position":2', '"position":3', "do not produce the signed root"],
          ['"position":2', '"position":"2"', "position must be an integer"],
          ['"position":2', '"position":true', "position must be an integer"],
          [String(Object(proof)[0]), "0".repeat(64), "do not produce the signed root"],
          [hash, "0".repeat(64), "does not continue the hash chain"],
          [previous_hash, "0".repeat(64), "does not continue the hash chain"],
          [Object(head).signed_at, "2026-01-01T00:00:00.000Z", "the signature of the head is invalid"],
          [key, "0".repeat(64), "head.public_key is not a given key"]
        ] as const
        const changed = run(
          "receipt",
          ...changes.map(([from, to], i) => {
            assert.include(receipt, from)
            return write(`changed-${i}.json`, receipt.replace(from, to))
          })
        )
        assert.strictEqual(changed.code, 1)
        const outputs = changed.output.split("\n")
        for (const [i, [, to, reason]] of changes.entries()) {
          assert.isTrue(outputs[i]?.startsWith("invalid: "), `${to}: ${outputs[i]}`)
          assert.include(outputs[i], reason)
        }
        assert.strictEqual(outputs.length, changes.length)

        const lines = exported.trimEnd().split("\n")
        assert.strictEqual(lines.length, ids.length)
        const heads = write("heads.ndjson", headLines.join("\n"))
        const runExport = (text: string, ...args: ReadonlyArray<string>) =>
          run("export", write("audit.ndjson", text), "--heads", heads, ...args)
        const whole = runExport(exported)
        assert.strictEqual(whole.code, 0, whole.output)
        assert.include(whole.output, `records 1 to ${ids.length} are proven`)
        assert.include(whole.output, Object(parseJsonObject(headLines.at(-1) ?? ""))["chain_hash"])
        const response = write("response.json", `{"heads":[${headLines.join(",")}]}`)
        assert.deepStrictEqual(run("export", write("audit.ndjson", exported), "--heads", response), whole)
        const later = runExport(lines.slice(3).join("\n"))
        assert.strictEqual(later.code, 0, later.output)
        assert.include(later.output, `records 4 to ${ids.length} are proven`)
        const startHash = String(Object(parseJsonObject(receipts[4] ?? "")["chain"]).previous_hash)
        const fromHash = runExport(lines.slice(4).join("\n"), "--start-hash", startHash)
        assert.strictEqual(fromHash.code, 0, fromHash.output)
        assertInvalid(runExport(lines.slice(4).join("\n")), "give a head of 4 records")
        assertInvalid(
          runExport(lines.slice(4).join("\n"), "--start-hash", "0".repeat(64)),
          "differs from the signed head"
        )
        assertInvalid(runExport(lines.toSpliced(5, 1).join("\n")), "position 6 is missing")
        assertInvalid(runExport(exported.replace(amount, '"output_amount":"1.00"')), "up to position 3")
        assertInvalid(runExport(exported.toString().replace('"test"', '"other"')), "up to position 3")
        assertInvalid(runExport(lines.slice(0, 2).join("\n")), "no signed head covers these records")

        const csv = (yield* get("/api/v1/audit/conversions?after=0", { headers: { accept: "text/csv" } }))
          .text
        assertInvalid(runExport(csv), "a CSV file cannot be verified; export NDJSON")

        const [oldHead, newHead] = [headLines[0] ?? "", headLines.at(-1) ?? ""]
        const consistency = (yield* get(`/api/v1/audit/consistency?from=3&to=${ids.length}`)).text
        const runConsistency = (text: string, old = oldHead) => {
          const args = ["--old", write("old.json", old), "--new", write("new.json", newHead)]
          return run("consistency", write("proof.json", text), ...args)
        }
        const consistent = runConsistency(consistency)
        assert.deepStrictEqual(consistent, {
          code: 0,
          output: `valid: the first 3 records of ${ids.length} are unchanged`
        })
        assertInvalid(
          runConsistency(consistency.replace(/[0-9a-f]{64}/, "0".repeat(64))),
          "not the beginning"
        )
        assertInvalid(runConsistency(consistency, headLines[1]), "for other tree sizes")
      }).pipe(Effect.scoped),
    300_000
  )
})
