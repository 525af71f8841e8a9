import { Context, Effect, Layer, Metric, Option, Result } from "effect"
import type { AuditId } from "../domain/conversion/AuditRecord.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { chain, encodeRecord, GENESIS } from "./AuditHash.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { type Seal, type SealedRecord, SealRepo } from "./SealRepo.ts"
import { isSignedBy, type SignedTreeHead } from "./TreeHead.ts"

/** How many records are read at a time. */
const PAGE = 1000

/** What was found when the whole audit was computed anew. */
export type Verification =
  | {
      readonly ok: true
      /** Records whose seals fit. */
      readonly records: number
      /** Records that waited to be sealed when the others were read. */
      readonly unsealed: number
      /** The end of the chain. */
      readonly head: Buffer
      /** Whose signatures stand on the heads. */
      readonly publicKeys: ReadonlyArray<Buffer>
    }
  | {
      readonly ok: false
      /** Records before the first that does not fit. */
      readonly records: number
      /** Where the chain breaks; none for a record that is not in it. */
      readonly position: number | undefined
      readonly auditId: AuditId | undefined
      readonly reason: string
    }

/** What was found, under the names that it bears on the wire. */
export const verificationFields = (found: Verification) =>
  found.ok
    ? {
        ok: true,
        records: found.records,
        unsealed: found.unsealed,
        head: found.head.toString("hex"),
        public_keys: found.publicKeys.map((key) => key.toString("hex"))
      }
    : {
        ok: false,
        records: found.records,
        ...(found.position === undefined ? {} : { position: found.position }),
        ...(found.auditId === undefined ? {} : { audit_id: found.auditId }),
        reason: found.reason
      }

/** Computes every hash, root and signature of the audit anew. */
export class AuditVerifier extends Context.Service<
  AuditVerifier,
  {
    /** Names the first record that does not fit, and says why. */
    readonly verify: Effect.Effect<Verification, StoreUnavailable>
  }
>()("effex/audit/AuditVerifier") {
  static readonly layer = Layer.effect(
    AuditVerifier,
    Effect.gen(function* () {
      const repo = yield* SealRepo

      const verify = Effect.gen(function* () {
        const tree = MerkleTree.grow(0, [])
        const keys = new Map<string, Buffer>()
        let chainHash: Buffer = GENESIS
        let heads = yield* repo.headsAfter(0, PAGE)

        const broken = ({ auditId, position }: Partial<Seal>, reason: string): Verification => ({
          ok: false,
          records: tree.size(),
          position,
          auditId,
          reason
        })

        for (;;) {
          const page = yield* repo.sealedAfter(tree.size(), PAGE)
          // Records are sealed meanwhile, so that a page that is not full is not the end: only a head that was read
          // before an empty page speaks of seals that are not there.
          if (page.length === 0) break
          if (heads.length === 0) heads = yield* repo.headsAfter(tree.size(), PAGE)
          for (const sealed of page) {
            const bytes = sealedBytes(sealed, tree.size() + 1, chainHash)
            if (Result.isFailure(bytes)) return broken(sealed, bytes.failure)
            chainHash = sealed.hash
            tree.append(MerkleTree.leafHash(bytes.success))
            if (heads[0]?.treeSize !== tree.size()) continue
            const [head, ...rest] = heads
            const wrong = faultOfHead(head, tree.root(), chainHash)
            if (Option.isSome(wrong)) return broken(sealed, wrong.value)
            keys.set(head.publicKey.toString("hex"), head.publicKey)
            heads = rest.length > 0 ? rest : yield* repo.headsAfter(tree.size(), PAGE)
          }
        }

        const [beyond] = heads
        if (beyond !== undefined) {
          const reason = `a signed head speaks of ${beyond.treeSize} records, and there are ${tree.size()}`
          return broken({}, reason)
        }
        const stray = yield* repo.stray
        if (Option.isSome(stray))
          return broken({ auditId: stray.value }, "it is neither sealed nor waits to be")
        const unsealed = yield* repo.beyond(tree.size())
        const publicKeys = Array.from(keys.values())
        return { ok: true, records: tree.size(), unsealed, head: chainHash, publicKeys } as const
      }).pipe(
        Effect.tap(({ ok }: Verification) =>
          Metric.update(Metrics.verifications.of({ outcome: ok ? "whole" : "broken" }), 1)
        ),
        Effect.withSpan("AuditVerifier.verify")
      )

      return AuditVerifier.of({ verify })
    })
  )
}

/** The record as the bytes that were hashed, or why its seal does not fit. */
const sealedBytes = (
  sealed: SealedRecord,
  expected: number,
  chainHash: Buffer
): Result.Result<Buffer, string> => {
  if (sealed.position !== expected) return Result.fail(`position ${expected} is missing`)
  if (Option.isNone(sealed.record)) return Result.fail("its record is gone")
  if (!sealed.prevHash.equals(chainHash)) return Result.fail("it does not follow the one before")
  const bytes = encodeRecord(sealed.record.value)
  return chain(chainHash, bytes).equals(sealed.hash)
    ? Result.succeed(bytes)
    : Result.fail("its record is not what was sealed")
}

const faultOfHead = (head: SignedTreeHead, root: Buffer, chainHash: Buffer): Option.Option<string> => {
  if (!head.rootHash.equals(root))
    return Option.some("the tree up to here has another root than its signed head")
  if (!head.chainHash.equals(chainHash))
    return Option.some("the chain up to here ends in another hash than its signed head")
  return isSignedBy(head, head.publicKey) ? Option.none() : Option.some("the signature of its head is wrong")
}
