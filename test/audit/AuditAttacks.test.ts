import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Option, Stream } from "effect"
import { chain, encodeRecord, GENESIS } from "../../src/audit/AuditHash.ts"
import * as MerkleTree from "../../src/audit/tree/MerkleTree.ts"
import * as Receipt from "../../src/audit/Receipt.ts"
import { SealRepo } from "../../src/audit/SealRepo.ts"
import type { SignedTreeHead } from "../../src/audit/TreeHead.ts"
import * as AuditMetrics from "../../src/platform/metrics/AuditMetrics.ts"
import {
  type AuditNode,
  newest,
  reasonOf,
  signerOf,
  type Sql,
  start,
  startOwned
} from "../support/AuditNode.ts"

const keptHeads = (...heads: ReadonlyArray<SignedTreeHead>) => ({ heads: Stream.fromIterable(heads) })

const lowerOutput = (sql: Sql, position: number) => sql`
  UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1
  WHERE id = (SELECT audit_id FROM audit_seal WHERE position = ${position})`

/** Removes everything after the first records, as an older backup does. */
const truncate = Effect.fnUntraced(function* (sql: Sql, size: number) {
  yield* sql`
    DELETE FROM conversion_audit WHERE id IN (SELECT audit_id FROM audit_seal WHERE position > ${size})`
  yield* sql`DELETE FROM audit_head WHERE tree_size > ${size}`
  yield* sql`DELETE FROM audit_seal WHERE position > ${size}`
  yield* sql`DELETE FROM audit_node WHERE (index + 1) * power(2::numeric, level) > ${size}`
})

/** Recomputes chain and tree from the records as they are now. Returns the state at each size. */
const recompute = Effect.fnUntraced(function* (node: AuditNode, sql: Sql) {
  const records = yield* node.run(Effect.flatMap(SealRepo, ({ sealedAfter }) => sealedAfter(0, 1000)))
  const tree = MerkleTree.resume(0, [])
  let chainHash: Buffer = GENESIS
  const states: Array<{ treeSize: number; rootHash: Buffer; chainHash: Buffer }> = []
  for (const { position, record } of records) {
    const bytes = encodeRecord(Option.getOrThrow(record))
    const hash = chain(chainHash, bytes)
    yield* sql`UPDATE audit_seal SET prev_hash = ${chainHash}, hash = ${hash} WHERE position = ${position}`
    tree.append(MerkleTree.leafHash(bytes))
    chainHash = hash
    states.push({ treeSize: position, rootHash: tree.root(), chainHash })
  }
  yield* sql`DELETE FROM audit_node`
  for (const treeNode of tree.takeNewNodes())
    yield* sql`INSERT INTO audit_node ${sql.insert({ ...treeNode })}`
  return states
})

describe("AuditVerifier, against the owner of the database", () => {
  it.effect("reports a deleted newest head, also after another conversion, which is not sealed", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      yield* node.convertAndSeal(3)
      const kept = newest(yield* node.heads)
      yield* sql`DELETE FROM audit_head WHERE tree_size = 3`
      for (const verifier of [node, yield* start(url)]) {
        const verification = yield* verifier.verifyWith(keptHeads(kept))
        assert.deepInclude(verification, { ok: false, position: 3 })
        assert.include(
          reasonOf(verification),
          "the signed head of 3 records, of which a copy was kept, was deleted"
        )
      }
      const restarted = yield* start(url)
      assert.include(reasonOf(yield* restarted.verify), "the newest head was deleted")
      for (const sealer of [node, restarted]) {
        yield* sealer.convertAndSeal(1)
        assert.deepInclude(yield* Metric.value(AuditMetrics.sealRefused), { value: 1 })
        assert.include(reasonOf(yield* sealer.verify), "was deleted")
      }
      assert.strictEqual((yield* node.heads).length, 2)
    })
  )

  it.effect("reports a deleted head that later heads cover, if a copy was kept", () =>
    Effect.gen(function* () {
      const { node, sql } = yield* startOwned()
      yield* node.convertAndSeal(3)
      const [, second = assert.fail()] = yield* node.heads
      yield* sql`DELETE FROM audit_head WHERE tree_size = 2`
      assert.isTrue((yield* node.verify).ok)
      assert.deepInclude(yield* node.verifyWith(keptHeads(second)), {
        ok: false,
        position: 2,
        reason: "the signed head of 2 records, of which a copy was kept, was deleted"
      })
    })
  )

  it.effect("reports that all heads were deleted, and seals nothing on top", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      yield* node.convertAndSeal(2)
      yield* lowerOutput(sql, 1)
      yield* recompute(node, sql)
      yield* sql`DELETE FROM audit_head`
      const restarted = yield* start(url)
      assert.include(reasonOf(yield* restarted.verify), "no signed head covers the 2 records")
      yield* restarted.convertAndSeal(1)
      assert.strictEqual((yield* restarted.heads).length, 0)
      assert.include(reasonOf(yield* restarted.verify), "no signed head covers the 2 records")
    })
  )

  it.effect(
    "reports a rewritten audit whose heads are signed with another key, and seals nothing on top",
    () =>
      Effect.gen(function* () {
        const { node, sql, url } = yield* startOwned()
        yield* node.convertAndSeal(3)
        const kept = newest(yield* node.heads)
        yield* lowerOutput(sql, 2)
        const states = yield* recompute(node, sql)
        yield* sql`DELETE FROM audit_head`
        const forger = signerOf(66)
        for (const state of states) {
          const head = forger.sign({ ...state, signedAt: kept.signedAt })
          yield* sql`INSERT INTO audit_head ${sql.insert({ ...head })}`
        }
        const restarted = yield* start(url)
        const verification = yield* restarted.verify
        assert.deepInclude(verification, { ok: false, records: 1, position: 1 })
        assert.include(reasonOf(verification), `is signed with the key ${forger.publicKey.toString("hex")}`)
        const { publicKey } = signerOf(7)
        const withKept = yield* restarted.verifyWith({ ...keptHeads(kept), publicKeys: [publicKey] })
        assert.isFalse(withKept.ok)
        // A node that is set up with the forger's key accepts it; the kept head does not.
        const forged = yield* start(url, 66)
        assert.isTrue((yield* forged.verify).ok)
        assert.include(
          reasonOf(yield* forged.verifyWith({ ...keptHeads(kept), publicKeys: [publicKey] })),
          "is signed with the key"
        )
        yield* restarted.convertAndSeal(1)
        assert.strictEqual(newest(yield* restarted.heads).treeSize, 3)
      })
  )

  it.effect("reports records that were rewritten and sealed again with the true key", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      yield* node.convertAndSeal(4)
      const heads = yield* node.heads
      // The node cannot tell a restored backup from an audit that never had more records.
      yield* sql`INSERT INTO audit_unsealed SELECT audit_id FROM audit_seal WHERE position > 2`
      yield* lowerOutput(sql, 3)
      yield* sql`DELETE FROM audit_head WHERE tree_size > 2`
      yield* sql`DELETE FROM audit_seal WHERE position > 2`
      yield* sql`DELETE FROM audit_node WHERE (index + 1) * power(2::numeric, level) > 2`
      assert.include(reasonOf(yield* node.verify), "a kept head covers 4 records, but there are only 2")
      assert.strictEqual(yield* node.seal, 0)
      const restarted = yield* start(url)
      assert.strictEqual(yield* restarted.seal, 2)
      assert.isTrue((yield* restarted.verify).ok)
      // The node that signed both versions has one of them in memory.
      assert.include(
        reasonOf(yield* restarted.verifyWith(keptHeads(newest(heads)))),
        "two signed heads of 4 records have different roots"
      )
      const verifier = yield* start(url)
      assert.deepInclude(yield* verifier.verifyWith(keptHeads(newest(heads))), {
        ok: false,
        position: 4,
        reason:
          "the first 4 records differ from the kept head that was signed for them: the audit was rewritten"
      })
      assert.deepInclude(yield* verifier.verifyWith(keptHeads(...heads.slice(0, 2))), {
        ok: true,
        keptHeads: 2
      })
    })
  )

  it.effect("reports an older backup, and two signed heads of the same size after it is continued", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      yield* node.convertAndSeal(5)
      const heads = yield* node.heads
      yield* truncate(sql, 3)
      const restored = yield* start(url)
      assert.deepInclude(yield* restored.verify, { ok: true, records: 3 })
      assert.deepInclude(yield* restored.verifyWith(keptHeads(newest(heads))), {
        ok: false,
        records: 3,
        position: 5,
        reason:
          "a kept head covers 5 records, but there are only 3: the newest records were deleted, or an older backup was restored"
      })
      yield* restored.convertAndSeal(2)
      assert.deepInclude(yield* restored.verify, { ok: true, records: 5 })
      const after = newest(yield* restored.heads)
      assert.deepInclude(yield* restored.verifyWith(keptHeads(newest(heads), after)), {
        ok: false,
        position: 5,
        reason:
          "two signed heads of 5 records have different roots: the audit was rewritten, or an older backup was restored and continued"
      })
      assert.deepInclude(yield* restored.verifyWith(keptHeads(newest(heads))), { ok: false, position: 5 })
      assert.deepInclude(yield* restored.verifyWith(keptHeads(heads[2] ?? assert.fail(), after)), {
        ok: true,
        keptHeads: 2
      })
    })
  )

  it.effect("reports deleted and changed tree nodes; receipts stay valid and sealing goes on", () =>
    Effect.gen(function* () {
      const { node, sql } = yield* startOwned()
      const ids = yield* node.convertAndSeal(7)
      for (const [level, index, position] of [
        [0, 3, 4],
        [1, 0, 2],
        [2, 0, 4]
      ] as const) {
        const [saved] = yield* sql<{ level: number; index: bigint; hash: Uint8Array }>`
          DELETE FROM audit_node WHERE level = ${level} AND index = ${index} RETURNING *`
        assert.deepInclude(yield* node.verify, {
          ok: false,
          position,
          reason: `the tree node ${level}/${index} was deleted`
        })
        for (const id of ids)
          assert.deepStrictEqual(
            Receipt.findFault(yield* node.receipt(id), signerOf(7).publicKey),
            Option.none()
          )
        yield* sql`INSERT INTO audit_node ${sql.insert({ ...saved, hash: Buffer.alloc(32) })}`
        assert.deepInclude(yield* node.verify, {
          ok: false,
          position,
          reason: `the tree node ${level}/${index} differs from the records`
        })
        yield* sql`DELETE FROM audit_node WHERE level = ${level} AND index = ${index}`
        yield* sql`INSERT INTO audit_node ${sql.insert({ ...saved })}`
      }
      // The nodes from which the tree is resumed.
      yield* sql`DELETE FROM audit_node WHERE (level, index) IN ((0, 6), (1, 2), (2, 0))`
      yield* node.convertAndSeal(1)
      assert.strictEqual(newest(yield* node.heads).treeSize, 8)
      assert.deepInclude(yield* node.verify, { ok: false, reason: "the tree node 2/0 was deleted" })
    })
  )

  it.effect("reports nodes of records that were deleted together with their heads", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      yield* node.convertAndSeal(3)
      yield* sql`DELETE FROM conversion_audit WHERE id = (SELECT audit_id FROM audit_seal WHERE position = 3)`
      yield* sql`DELETE FROM audit_head WHERE tree_size = 3`
      yield* sql`DELETE FROM audit_seal WHERE position = 3`
      const restarted = yield* start(url)
      assert.include(reasonOf(yield* restarted.verify), "the newest records were deleted")
    })
  )

  it.effect("reports a queue that was changed, and seals the other records", () =>
    Effect.gen(function* () {
      const { node, sql, url } = yield* startOwned()
      const [sealedId = assert.fail()] = yield* node.convertAndSeal(2)
      yield* sql`INSERT INTO audit_unsealed VALUES (${sealedId})`
      for (const sealer of [node, yield* start(url)]) {
        const [id = assert.fail()] = yield* sealer.convertAndSeal(1)
        assert.deepInclude(yield* sealer.receipt(id), { position: (yield* node.heads).length })
        assert.deepInclude(yield* sealer.verify, {
          ok: false,
          auditId: sealedId,
          reason: "the record is sealed, but also queued for sealing: the queue was changed"
        })
      }
      yield* sql`DELETE FROM audit_unsealed`
      assert.deepInclude(yield* node.verify, { ok: true, records: 4 })
    })
  )

  it.effect("reports a record that was deleted before it was sealed, and seals those around it", () =>
    Effect.gen(function* () {
      const { node, sql } = yield* startOwned()
      const [first = assert.fail(), deleted = assert.fail(), third = assert.fail()] = yield* node.convert(3)
      yield* sql`DELETE FROM conversion_audit WHERE id = ${deleted}`
      yield* node.seal
      assert.deepStrictEqual(
        (yield* sql<{ auditId: string }>`SELECT audit_id FROM audit_seal ORDER BY position`).map(
          ({ auditId }) => auditId
        ),
        [first, third]
      )
      assert.deepInclude(yield* node.verify, {
        ok: false,
        auditId: deleted,
        reason: "the record was queued for sealing, and then deleted"
      })
    })
  )

  it.effect("rejects kept heads that were not signed with the expected key", () =>
    Effect.gen(function* () {
      const { node } = yield* startOwned()
      yield* node.convertAndSeal(2)
      const kept = newest(yield* node.heads)
      const forged = signerOf(66).sign(kept)
      assert.include(
        reasonOf(yield* node.verifyWith(keptHeads(forged))),
        "the kept head of 2 records is signed with"
      )
      assert.include(
        reasonOf(yield* node.verifyWith(keptHeads({ ...forged, publicKey: kept.publicKey }))),
        "the signature of the kept head of 2 records is invalid"
      )
      assert.deepInclude(yield* node.verifyWith(keptHeads(kept, kept)), { ok: true, keptHeads: 2 })
    })
  )
})
