import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { KeptHead } from "../../../src/api/conversion/ProofMessage.ts"
import { AuditKeys } from "../../../src/audit/keys/AuditKeys.ts"
import { AuditSealer } from "../../../src/audit/AuditSealer.ts"
import * as ConsistencyProof from "../../../src/audit/tree/ConsistencyProof.ts"
import * as HeadMessage from "../../../src/audit/heads/HeadMessage.ts"
import * as KeyRotation from "../../../src/audit/keys/KeyRotation.ts"
import { toReceiptHead } from "../../../src/audit/Receipt.ts"
import { Conversions } from "../../../src/conversion/Conversions.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { signerOf } from "../../support/AuditNode.ts"
import { conversionRequest } from "../../support/ConversionRequests.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const VERIFY = "/api/v1/audit/verify"
const CONSISTENCY = "/api/v1/audit/consistency"

const post = (body: unknown) =>
  get(VERIFY, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body)
  })

/** Converts and seals after each conversion. */
const convertAndSeal = Effect.fnUntraced(function* (count: number) {
  const { convert } = yield* Conversions
  const { sealAll } = yield* AuditSealer
  for (let i = 0; i < count; i++) yield* Effect.andThen(convert(conversionRequest("500")), sealAll)
})

const decodeHeads = Schema.decodeUnknownEffect(Schema.Struct({ heads: Schema.Array(KeptHead) }))
const allHeads = Effect.flatMap(get("/api/v1/audit/heads"), ({ json }) =>
  Effect.map(decodeHeads(json), ({ heads }) => heads)
)
const decodeProof = Schema.decodeUnknownEffect(
  Schema.Struct({ from: Schema.Int, to: Schema.Int, proof: Schema.Array(Schema.String) }),
  { onExcessProperty: "error" }
)

layer(TestServer.layer(), { excludeTestServices: true })("ProofHttp", (it) => {
  describe("GET /api/v1/audit/consistency", () => {
    it.effect("returns a proof that connects the signed heads of any two sizes", () =>
      Effect.gen(function* () {
        yield* convertAndSeal(11)
        const heads = (yield* allHeads).map(HeadMessage.fromMessage)
        assert.strictEqual(heads.length, 11)
        for (const earlier of heads) {
          for (const later of heads.filter(({ treeSize }) => treeSize >= earlier.treeSize)) {
            const response = yield* get(`${CONSISTENCY}?from=${earlier.treeSize}&to=${later.treeSize}`)
            const { from, proof, to } = yield* decodeProof(response.json)
            assert.deepStrictEqual([from, to], [earlier.treeSize, later.treeSize])
            const hashes = proof.map((hash) => Buffer.from(hash, "hex"))
            assert.isTrue(ConsistencyProof.isValid(earlier, later, hashes))
            const other = { ...earlier, rootHash: Buffer.alloc(32, 1) }
            assert.isFalse(ConsistencyProof.isValid(other, later, hashes))
          }
        }
      })
    )

    it.effect("returns 400 for sizes that are not in the audit", () =>
      Effect.gen(function* () {
        for (const [query, pointer] of [
          ["from=0&to=1", "from"],
          ["from=3&to=2", "from"],
          ["from=1&to=999", "to"],
          ["from=1", "to"],
          ["to=1", "from"],
          ["from=x&to=1", "from"],
          ["from=-1&to=1", "from"],
          ["from=1&to=1e1", "to"]
        ] as const) {
          const { errors } = assertProblem(yield* get(`${CONSISTENCY}?${query}`), 400, "invalid-request")
          assert.include(JSON.stringify(errors), `"pointer":"/query/${pointer}"`, query)
        }
      })
    )
  })

  describe("POST /api/v1/audit/verify", () => {
    it.effect("accepts the heads of the API, one or all, with the default or the given key", () =>
      Effect.gen(function* () {
        yield* convertAndSeal(1)
        const heads = yield* allHeads
        const publicKey = signerOf(7).publicKey.toString("hex")
        for (const body of [{ heads }, { heads: heads.slice(-1) }, { heads, public_key: publicKey }]) {
          const { json, status } = yield* post(body)
          assert.strictEqual(status, 200)
          assert.deepInclude(json, { ok: true, records: heads.length, kept_heads: body.heads.length })
        }
        const form = yield* get(VERIFY, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: JSON.stringify({ heads })
        })
        assert.deepInclude(form.json, { ok: true })
      })
    )

    it.effect("reports a head that contradicts the audit, and one that is signed with another key", () =>
      Effect.gen(function* () {
        yield* convertAndSeal(1)
        const [head = assert.fail()] = (yield* allHeads).slice(-1)
        const { sign } = signerOf(7)
        const forked = toReceiptHead(
          sign({ ...HeadMessage.fromMessage(head), rootHash: Buffer.alloc(32, 1) })
        )
        const longer = toReceiptHead(sign({ ...HeadMessage.fromMessage(head), treeSize: 999 }))
        const position = head.tree_size
        for (const [kept, expected] of [
          [forked, { position }],
          [longer, { position: 999 }],
          [{ ...head, signature: "0".repeat(128) }, { position }],
          [toReceiptHead(signerOf(66).sign(HeadMessage.fromMessage(head))), { position }]
        ] as const) {
          const { json, status } = yield* post({ heads: [kept] })
          assert.strictEqual(status, 200)
          assert.deepInclude(json, { ok: false, ...expected })
          assert.isString(json["reason"])
        }
        const stranger = yield* post({ heads: [head], public_key: signerOf(66).publicKey.toString("hex") })
        assert.deepInclude(stranger.json, { ok: false, position })
      })
    )

    it.effect("names a deleted tree node, and still answers with proofs and receipts", () =>
      Effect.gen(function* () {
        yield* convertAndSeal(3)
        const { sql } = yield* Database
        yield* sql`ALTER TABLE audit_node DISABLE TRIGGER ALL`
        const [saved = assert.fail()] = yield* sql<{ level: number; index: bigint; hash: Uint8Array }>`
          DELETE FROM audit_node WHERE level = 1 AND index = 0 RETURNING *`
        const verified = yield* get(VERIFY)
        assert.strictEqual(verified.status, 200)
        assert.deepInclude(verified.json, { ok: false, reason: "the tree node 1/0 was deleted" })
        assert.strictEqual((yield* get(`${CONSISTENCY}?from=3&to=7`)).status, 200)
        const [row = assert.fail()] = yield* sql<{ id: string }>`
          SELECT audit_id AS id FROM audit_seal WHERE position = 4`
        assert.strictEqual((yield* get(`/api/v1/audit/conversions/${row.id}/receipt`)).status, 200)
        yield* sql`INSERT INTO audit_node ${sql.insert({ ...saved })}`
        yield* sql`ALTER TABLE audit_node ENABLE TRIGGER ALL`
        assert.deepInclude((yield* get(VERIFY)).json, { ok: true })
      })
    )

    it.effect("returns 400 with a pointer for a body that has no heads, or malformed ones", () =>
      Effect.gen(function* () {
        const [head = assert.fail()] = yield* allHeads
        for (const [body, pointer] of [
          ["", "/body"],
          ["{", "/body"],
          ["[]", "/body"],
          [{}, "/body/heads"],
          [{ heads: [] }, "/body/heads"],
          [{ heads: Array(101).fill(head) }, "/body/heads"],
          [{ heads: [{ ...head, tree_size: 1.5 }] }, "/body/heads/0/tree_size"],
          [{ heads: [{ ...head, tree_size: "1" }] }, "/body/heads/0/tree_size"],
          [{ heads: [{ ...head, root_hash: "00" }] }, "/body/heads/0/root_hash"],
          [{ heads: [{ ...head, public_key: undefined }] }, "/body/heads/0/public_key"],
          [{ heads: [{ ...head, extra: 1 }] }, "/body/heads/0/extra"],
          [{ heads: [head], public_key: "x" }, "/body/public_key"],
          [{ heads: [head], key: "x" }, "/body/key"]
        ] as const) {
          const { errors } = assertProblem(yield* post(body), 400, "invalid-request")
          if (pointer !== "/body") assert.include(JSON.stringify(errors), `"pointer":"${pointer}"`)
        }
      })
    )
  })

  describe("GET /api/v1/audit/keys", () => {
    it.effect("returns the key of the node and the rotations, by which each key vouches for the other", () =>
      Effect.gen(function* () {
        const keys = yield* AuditKeys
        assert.deepStrictEqual((yield* get("/api/v1/audit/keys")).json, {
          public_key: signerOf(7).publicKey.toString("hex"),
          rotations: []
        })
        const rotation = yield* keys.rotate(signerOf(8))
        const { json } = yield* get("/api/v1/audit/keys")
        assert.deepStrictEqual(json["rotations"], [KeyRotation.toMessage(rotation)])
        assert.deepInclude((yield* get(VERIFY)).json, { ok: true })
      })
    )
  })

  it.effect("returns 503 while the database is unavailable", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const heads = yield* allHeads
      yield* server.setDatabase("down")
      for (const path of [`${CONSISTENCY}?from=1&to=2`, "/api/v1/audit/keys"])
        assertProblem(yield* get(path), 503, "store-unavailable")
      assertProblem(yield* post({ heads: heads.slice(0, 1) }), 503, "store-unavailable")
      yield* server.setDatabase("up")
    })
  )
})
