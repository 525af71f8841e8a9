import { Context, Effect, Layer, Metric, Option, Result } from "effect"
import type { VerificationMessage } from "../api/conversion/ConversionMessage.ts"
import type { AuditId } from "../domain/conversion/AuditRecord.ts"
import * as AuditMetrics from "../platform/metrics/AuditMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { chain, encodeRecord, GENESIS } from "./AuditHash.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { type Seal, type SealedRecord, SealRepo } from "./SealRepo.ts"
import { isSignedBy, type SignedTreeHead } from "./TreeHead.ts"

const PAGE_SIZE = 1000

/** Result of recomputing the whole audit. */
export type Verification =
  | {
      readonly ok: true
      /** Number of verified records. */
      readonly records: number
      /** Number of records that were not sealed yet. */
      readonly unsealed: number
      /** Last hash of the chain. */
      readonly head: Buffer
      /** Public keys that signed the heads. */
      readonly publicKeys: ReadonlyArray<Buffer>
    }
  | {
      readonly ok: false
      /** Number of verified records before the first fault. */
      readonly records: number
      /** Position of the fault; undefined for a record that is not in the chain. */
      readonly position: number | undefined
      readonly auditId: AuditId | undefined
      readonly reason: string
    }

/** Encodes a verification for JSON. */
export const toVerificationMessage = (verification: Verification): typeof VerificationMessage.Type =>
  verification.ok
    ? {
        ok: true,
        records: verification.records,
        unsealed: verification.unsealed,
        head: verification.head.toString("hex"),
        public_keys: verification.publicKeys.map((key) => key.toString("hex"))
      }
    : {
        ok: false,
        records: verification.records,
        ...(verification.position === undefined ? {} : { position: verification.position }),
        ...(verification.auditId === undefined ? {} : { audit_id: verification.auditId }),
        reason: verification.reason
      }

/** Recomputes every hash, root and signature of the audit. */
export class AuditVerifier extends Context.Service<
  AuditVerifier,
  {
    /** Verifies all sealed records. Stops at the first fault and returns its position and reason. */
    readonly verify: Effect.Effect<Verification, StoreUnavailable>
  }
>()("effex/audit/AuditVerifier") {
  static readonly layer = Layer.effect(
    AuditVerifier,
    Effect.gen(function* () {
      const repo = yield* SealRepo

      const verify = Effect.gen(function* () {
        const tree = MerkleTree.resume(0, [])
        const keys = new Map<string, Buffer>()
        let chainHash: Buffer = GENESIS
        let heads = yield* repo.headsAfter(0, PAGE_SIZE)

        const fault = ({ auditId, position }: Partial<Seal>, reason: string): Verification => ({
          ok: false,
          records: tree.size(),
          position,
          auditId,
          reason
        })

        for (;;) {
          const page = yield* repo.sealedAfter(tree.size(), PAGE_SIZE)
          // Records are sealed during the verification, so a short page is not the end. Heads that were read before an
          // empty page must not cover more records than there are.
          if (page.length === 0) break
          if (heads.length === 0) heads = yield* repo.headsAfter(tree.size(), PAGE_SIZE)
          for (const sealed of page) {
            const bytes = verifySeal(sealed, tree.size() + 1, chainHash)
            if (Result.isFailure(bytes)) return fault(sealed, bytes.failure)
            chainHash = sealed.hash
            tree.append(MerkleTree.leafHash(bytes.success))
            if (heads[0]?.treeSize !== tree.size()) continue
            const [head, ...remaining] = heads
            const headFault = findHeadFault(head, tree.root(), chainHash)
            if (Option.isSome(headFault)) return fault(sealed, headFault.value)
            keys.set(head.publicKey.toString("hex"), head.publicKey)
            heads = remaining.length > 0 ? remaining : yield* repo.headsAfter(tree.size(), PAGE_SIZE)
          }
        }

        const [beyond] = heads
        if (beyond !== undefined)
          return fault(
            {},
            `a signed head covers ${beyond.treeSize} records, but there are only ${tree.size()}`
          )
        const untracked = yield* repo.untracked
        if (Option.isSome(untracked))
          return fault({ auditId: untracked.value }, "the record is neither sealed nor queued for sealing")
        const unsealed = yield* repo.countAfter(tree.size())
        const publicKeys = Array.from(keys.values())
        return { ok: true, records: tree.size(), unsealed, head: chainHash, publicKeys } as const
      }).pipe(
        Effect.tap(({ ok }: Verification) =>
          Metric.update(AuditMetrics.verifications.of({ outcome: ok ? "whole" : "broken" }), 1)
        ),
        Effect.withSpan("AuditVerifier.verify")
      )

      return AuditVerifier.of({ verify })
    })
  )
}

/** Returns the hashed bytes of the record, or the reason why its seal is wrong. */
const verifySeal = (
  sealed: SealedRecord,
  expectedPosition: number,
  previousHash: Buffer
): Result.Result<Buffer, string> => {
  if (sealed.position !== expectedPosition) return Result.fail(`position ${expectedPosition} is missing`)
  if (Option.isNone(sealed.record)) return Result.fail("the record was deleted")
  if (!sealed.prevHash.equals(previousHash))
    return Result.fail("prev_hash is not the hash of the previous record")
  const bytes = encodeRecord(sealed.record.value)
  return chain(previousHash, bytes).equals(sealed.hash)
    ? Result.succeed(bytes)
    : Result.fail("the record differs from the one that was sealed")
}

const findHeadFault = (head: SignedTreeHead, root: Buffer, chainHash: Buffer): Option.Option<string> => {
  if (!head.rootHash.equals(root)) return Option.some("the root of the tree differs from the signed head")
  if (!head.chainHash.equals(chainHash))
    return Option.some("the hash of the chain differs from the signed head")
  return isSignedBy(head, head.publicKey)
    ? Option.none()
    : Option.some("the signature of the head is invalid")
}
