import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { AuditKeys } from "../../../src/audit/keys/AuditKeys.ts"
import * as KeyRotation from "../../../src/audit/keys/KeyRotation.ts"
import * as Receipt from "../../../src/audit/Receipt.ts"
import { type AuditNode, newest, reasonOf, signerOf, start, startOwned } from "../../support/AuditNode.ts"

const [oldKey, newKey, thirdKey, forger] = [signerOf(7), signerOf(8), signerOf(9), signerOf(66)]

const rotate = (node: AuditNode, next: typeof newKey) =>
  node.run(Effect.flatMap(AuditKeys, (keys) => keys.rotate(next)))
const replaceLost = (node: AuditNode, lost: Buffer) =>
  node.run(Effect.flatMap(AuditKeys, (keys) => keys.replaceLost(lost)))
const expecting = (...publicKeys: ReadonlyArray<Buffer>) => ({ heads: Stream.empty, publicKeys })

describe("AuditKeys", () => {
  it.effect(
    "reports records that were deleted although a signed rotation covers them, and seals nothing",
    () =>
      Effect.gen(function* () {
        const { node, sql, url } = yield* startOwned(7)
        yield* node.convertAndSeal(3)
        yield* rotate(node, newKey)
        yield* sql`DELETE FROM conversion_audit WHERE id = (SELECT audit_id FROM audit_seal WHERE position = 3)`
        yield* sql`DELETE FROM audit_head WHERE tree_size = 3`
        yield* sql`DELETE FROM audit_seal WHERE position = 3`
        yield* sql`DELETE FROM audit_node WHERE (level, index) = (0, 2)`
        for (const keyByte of [7, 8]) {
          const restarted = yield* start(url, keyByte)
          yield* restarted.convertAndSeal(1)
          assert.strictEqual((yield* restarted.heads).length, 2)
          assert.deepInclude(yield* restarted.verify, {
            ok: false,
            records: 2,
            reason:
              "a signed key rotation covers 3 records, but there are only 2: the newest records were deleted"
          })
        }
      })
  )

  it.effect("reports a rotation that was changed", () =>
    Effect.gen(function* () {
      const { node, sql } = yield* startOwned(7)
      yield* node.convertAndSeal(2)
      yield* rotate(node, newKey)
      for (const column of ["previous_signature", "signature"]) {
        const name = sql.literal(column)
        yield* sql`UPDATE audit_key_rotation SET ${name} = set_byte(${name}, 0, get_byte(${name}, 0) # 1)`
        assert.strictEqual(
          reasonOf(yield* node.verify),
          "the key rotation at 2 records has an invalid signature: it was changed"
        )
        yield* sql`UPDATE audit_key_rotation SET ${name} = set_byte(${name}, 0, get_byte(${name}, 0) # 1)`
        assert.isTrue((yield* node.verify).ok)
      }
    })
  )

  it.effect("lets nodes with the old and the new key seal in turns, and both verify the audit", () =>
    Effect.gen(function* () {
      const { node: first, url } = yield* startOwned(7)
      const [id = assert.fail()] = yield* first.convertAndSeal(2)
      const before = yield* first.receipt(id)
      yield* rotate(first, newKey)
      const second = yield* start(url, 8)
      for (const node of [first, second, first, second]) yield* node.convertAndSeal(1)
      const heads = yield* first.heads
      assert.deepStrictEqual(
        heads.map(({ publicKey }) => publicKey.equals(newKey.publicKey)),
        [false, false, false, true, false, true]
      )
      for (const node of [first, second]) {
        assert.deepInclude(yield* node.verify, { ok: true, records: 6 })
        for (const { publicKey } of [oldKey, newKey])
          assert.isTrue(
            (yield* node.verifyWith({ ...expecting(publicKey), heads: Stream.fromIterable(heads) })).ok
          )
        assert.include(
          reasonOf(yield* node.verifyWith(expecting(forger.publicKey))),
          `the head of 1 records is signed with the key ${oldKey.publicKey.toString("hex")}`
        )
      }
      assert.deepStrictEqual(Receipt.findFault(before, oldKey.publicKey), Option.none())
      assert.deepStrictEqual(Receipt.findFault(yield* second.receipt(id), newKey.publicKey), Option.none())

      // A third key is connected to the first one through the second.
      yield* rotate(second, thirdKey)
      const third = yield* start(url, 9)
      yield* third.convertAndSeal(1)
      for (const { publicKey } of [oldKey, newKey, thirdKey])
        assert.isTrue((yield* third.verifyWith(expecting(publicKey))).ok)
    })
  )

  it.effect("does not seal with a key that was not introduced by a rotation", () =>
    Effect.gen(function* () {
      const { node, url } = yield* startOwned(7)
      yield* node.convertAndSeal(2)
      const stranger = yield* start(url, 8)
      yield* stranger.convertAndSeal(1)
      assert.strictEqual(newest(yield* stranger.heads).treeSize, 2)
      assert.include(reasonOf(yield* stranger.verify), "is signed with the key")
      yield* rotate(node, newKey)
      assert.strictEqual(yield* stranger.seal, 1)
      assert.isTrue((yield* stranger.verify).ok)
    })
  )

  it.effect(
    "replaces a lost key: the new key vouches for the records before, the old key for nothing after",
    () =>
      Effect.gen(function* () {
        const { node, url } = yield* startOwned(7)
        yield* node.convertAndSeal(2)
        const successor = yield* start(url, 8)
        yield* replaceLost(successor, oldKey.publicKey)
        yield* successor.convertAndSeal(1)
        assert.deepInclude(yield* successor.verify, { ok: true, records: 3 })
        assert.include(
          reasonOf(yield* node.verify),
          `the head of 3 records is signed with the key ${newKey.publicKey.toString("hex")}`
        )
        yield* node.convertAndSeal(1)
        assert.strictEqual(newest(yield* node.heads).treeSize, 3)
      })
  )

  it.effect("rejects the replacement of a key that the current key already vouches for", () =>
    Effect.gen(function* () {
      const { node, url } = yield* startOwned(7)
      yield* node.convertAndSeal(1)
      const successor = yield* start(url, 8)
      yield* replaceLost(successor, oldKey.publicKey)
      assert.include(
        String(yield* Effect.flip(replaceLost(successor, oldKey.publicKey))),
        "the current key already vouches for the records of this key"
      )
      yield* rotate(successor, thirdKey)
      assert.include(
        String(yield* Effect.flip(replaceLost(yield* start(url, 9), newKey.publicKey))),
        "the current key already vouches for the records of this key"
      )
    })
  )

  it.effect("rejects a rotation to the same key, from a key that does not sign, and a second rotation", () =>
    Effect.gen(function* () {
      const { node, url } = yield* startOwned(7)
      yield* node.convertAndSeal(1)
      const stranger = yield* start(url, 8)
      const reason = (effect: ReturnType<typeof rotate>) => Effect.map(Effect.flip(effect), String)
      assert.include(yield* reason(rotate(node, oldKey)), "the new key is the current key")
      assert.include(yield* reason(rotate(stranger, thirdKey)), "run this with the key that signs the audit")
      yield* rotate(node, newKey)
      assert.include(yield* reason(rotate(node, thirdKey)), "the current key was already replaced")
      assert.include(yield* reason(rotate(stranger, oldKey)), "the new key was used before")
    })
  )

  it.effect("reports an audit that was rewritten before a rotation", () =>
    Effect.gen(function* () {
      const { node, sql } = yield* startOwned(7)
      yield* node.convertAndSeal(2)
      const rotation = yield* rotate(node, newKey)
      yield* sql`DELETE FROM audit_key_rotation`
      const other = { ...rotation, rootHash: Buffer.alloc(32, 1) }
      const bytes = KeyRotation.encode(other)
      yield* sql`INSERT INTO audit_key_rotation ${sql.insert({
        ...other,
        previousSignature: oldKey.signBytes(bytes),
        signature: newKey.signBytes(bytes)
      })}`
      assert.deepInclude(yield* node.verify, {
        ok: false,
        position: 2,
        reason: "the first 2 records differ from those of a signed key rotation"
      })
    })
  )
})

describe("KeyRotation.trust", () => {
  const statement = (from: typeof oldKey, to: typeof newKey): KeyRotation.KeyRotation => ({
    previousKey: from.publicKey,
    publicKey: to.publicKey,
    treeSize: 5,
    rootHash: Buffer.alloc(32, 1),
    chainHash: Buffer.alloc(32, 2),
    signedAt: "2026-11-30T00:00:00.000Z"
  })
  /** A rotation that is signed by any two keys. */
  const signed = (
    from: typeof oldKey,
    to: typeof newKey,
    by: { readonly previous?: typeof oldKey; readonly next: typeof newKey }
  ): KeyRotation.SignedKeyRotation => {
    const bytes = KeyRotation.encode(statement(from, to))
    return {
      ...statement(from, to),
      previousSignature: Option.map(Option.fromUndefinedOr(by.previous), ({ signBytes }) => signBytes(bytes)),
      signature: by.next.signBytes(bytes)
    }
  }
  const accepts = (
    anchor: typeof oldKey,
    rotation: KeyRotation.SignedKeyRotation,
    key: typeof oldKey,
    size: number
  ) => KeyRotation.trust([anchor.publicKey], [rotation]).accepts(key.publicKey, size)

  it("accepts a successor from the rotation on, and a predecessor that signed it at any size", () => {
    const rotation = signed(oldKey, newKey, { previous: oldKey, next: newKey })
    assert.isFalse(accepts(oldKey, rotation, newKey, 4))
    assert.isTrue(accepts(oldKey, rotation, newKey, 6))
    assert.isTrue(accepts(newKey, rotation, oldKey, 4))
    assert.isTrue(accepts(newKey, rotation, oldKey, 6))
  })

  it("accepts a lost predecessor until the rotation, and no successor of a lost key", () => {
    const rotation = signed(oldKey, newKey, { next: newKey })
    assert.isTrue(accepts(newKey, rotation, oldKey, 5))
    assert.isFalse(accepts(newKey, rotation, oldKey, 6))
    assert.isFalse(accepts(oldKey, rotation, newKey, 6))
  })

  it("accepts no key after the rotation for which only a lost predecessor vouches", () => {
    const replacement = signed(oldKey, newKey, { next: newKey })
    for (const forged of [
      signed(oldKey, forger, { previous: oldKey, next: forger }),
      signed(forger, oldKey, { previous: forger, next: oldKey })
    ]) {
      const trusted = KeyRotation.trust([newKey.publicKey], [replacement, forged])
      assert.isTrue(trusted.accepts(forger.publicKey, 5))
      assert.isFalse(trusted.accepts(forger.publicKey, 6))
      assert.isTrue(trusted.accepts(newKey.publicKey, 6))
    }
  })

  it("ignores rotations that are signed by another key, or were changed", () => {
    for (const rotation of [
      signed(oldKey, forger, { previous: forger, next: forger }),
      signed(oldKey, forger, { next: forger })
    ])
      assert.isFalse(accepts(oldKey, rotation, forger, 9))
    for (const rotation of [
      signed(forger, newKey, { previous: forger, next: forger }),
      { ...signed(forger, newKey, { previous: forger, next: newKey }), treeSize: 6 }
    ])
      assert.isFalse(accepts(newKey, rotation, forger, 1))
  })

  it("keeps all fields of a rotation in JSON", () => {
    for (const by of [{ previous: oldKey, next: newKey }, { next: newKey }]) {
      const rotation = signed(oldKey, newKey, by)
      const json = JSON.parse(JSON.stringify(KeyRotation.toMessage(rotation)))
      assert.deepStrictEqual(KeyRotation.fromMessage(json), rotation)
    }
  })
})
