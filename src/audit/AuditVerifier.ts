import { Context, Effect, Layer, Metric, Option, Result, Stream } from "effect"
import * as AuditMetrics from "../platform/metrics/AuditMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { chain, encodeRecord, GENESIS } from "./AuditHash.ts"
import { AuditKeys } from "./keys/AuditKeys.ts"
import { AuditSealer } from "./AuditSealer.ts"
import * as KeptHeads from "./heads/KeptHeads.ts"
import * as KeyRotation from "./keys/KeyRotation.ts"
import * as MerkleTree from "./tree/MerkleTree.ts"
import { SealRepo } from "./SealRepo.ts"
import type { Seal, SealedRecord } from "./Seal.ts"
import { isSignedBy, type SignedTreeHead, type TreeHead } from "./TreeHead.ts"
import * as TreeNodes from "./tree/TreeNodes.ts"
import type { Verification } from "./Verification.ts"

const PAGE_SIZE = 1000

/** Keys and kept heads that an audit is verified against. */
export interface Evidence<E> {
  /** Signed heads of which copies were kept outside of the database. */
  readonly heads: Stream.Stream<SignedTreeHead, E>
  /** Public keys that are trusted, with those that key rotations connect to them. Default: the key of this process. */
  readonly publicKeys?: ReadonlyArray<Buffer>
}

/** Recomputes every hash, root and signature of the audit. */
export class AuditVerifier extends Context.Service<
  AuditVerifier,
  {
    /**
     * Verifies all sealed records, with the key and the last signed head of this process. Stops at the first fault and
     * returns its position and reason.
     */
    readonly verify: Effect.Effect<Verification, StoreUnavailable>
    /** Also verifies that the records of each kept head are the first records of the audit. */
    readonly verifyWith: <E>(evidence: Evidence<E>) => Effect.Effect<Verification, StoreUnavailable | E>
  }
>()("effex/audit/AuditVerifier") {
  static readonly layer = Layer.effect(
    AuditVerifier,
    Effect.gen(function* () {
      const repo = yield* SealRepo
      const auditKeys = yield* AuditKeys
      const { lastHead } = yield* AuditSealer

      /** Compares the nodes that a page of records completed with the stored ones. */
      const findNodeFault = Effect.fnUntraced(function* (nodes: ReadonlyArray<MerkleTree.TreeNode>) {
        const stored = yield* repo.storedNodes(nodes)
        const wrong = nodes.findIndex(
          ({ hash }, i) => !Option.exists(stored[i] ?? Option.none(), (found) => found.equals(hash))
        )
        const node = nodes[wrong]
        if (node === undefined) return Option.none()
        const state = Option.isNone(stored[wrong] ?? Option.none())
          ? "was deleted"
          : "differs from the records"
        return Option.some({
          position: (node.index + 1) * 2 ** node.level,
          reason: `the tree node ${TreeNodes.nameOf(node)} ${state}`
        })
      })

      const recompute = Effect.fnUntraced(function* (
        kept: KeptHeads.KeptHeads,
        trusted: KeyRotation.TrustedKeys
      ) {
        const tree = MerkleTree.resume(0, [])
        const keys = new Map<string, Buffer>()
        const rotations = Map.groupBy(trusted.rotations, ({ treeSize }) => treeSize)
        let chainHash: Buffer = GENESIS
        let coveredRecords = 0
        let heads = yield* repo.headsAfter(0, PAGE_SIZE)

        const fault = ({ auditId, position }: Partial<Seal>, reason: string): Verification => ({
          ok: false,
          records: tree.size(),
          position,
          auditId,
          reason
        })

        const [invalid] = trusted.invalidRotations
        if (invalid !== undefined)
          return fault(
            {},
            `the key rotation at ${invalid.treeSize} records has an invalid signature: it was changed`
          )

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
            const size = tree.size()
            const [head, ...remaining] = heads
            const isHead = head?.treeSize === size
            const rotationsHere = rotations.get(size) ?? []
            if (!isHead && rotationsHere.length === 0 && !kept.has(size)) continue

            const root = tree.root()
            if (kept.has(size) && !kept.matches(size, root, chainHash))
              return fault(
                sealed,
                `the first ${size} records differ from the kept head that was signed for them: the audit was rewritten`
              )
            if (!rotationsHere.every((rotation) => isHashOf(rotation, root, chainHash)))
              return fault(sealed, `the first ${size} records differ from those of a signed key rotation`)
            if (!isHead) {
              if (kept.has(size))
                return fault(
                  sealed,
                  `the signed head of ${size} records, of which a copy was kept, was deleted`
                )
              continue
            }
            const headFault = findHeadFault(head, root, chainHash, trusted)
            if (Option.isSome(headFault)) return fault(sealed, headFault.value)
            // Verifying a signature blocks for about 0.2 ms, and a page can have 1000 heads.
            yield* Effect.yieldNow
            coveredRecords = size
            keys.set(head.publicKey.toString("hex"), head.publicKey)
            heads = remaining.length > 0 ? remaining : yield* repo.headsAfter(size, PAGE_SIZE)
          }
          const nodeFault = yield* findNodeFault(tree.takeNewNodes())
          if (Option.isSome(nodeFault)) return fault(nodeFault.value, nodeFault.value.reason)
        }

        const records = tree.size()
        const [beyond] = heads
        if (beyond !== undefined)
          return fault({}, `a signed head covers ${beyond.treeSize} records, but there are only ${records}`)
        const keptBeyond = kept.beyond(records)
        if (Option.isSome(keptBeyond)) return fault(keptBeyond.value, keptBeyond.value.reason)
        const rotationBeyond = KeyRotation.findBeyond(trusted, records)
        if (Option.isSome(rotationBeyond)) return fault({}, rotationBeyond.value)
        // A head is committed together with the records that it covers.
        if (coveredRecords < records)
          return fault(
            { position: coveredRecords + 1 },
            coveredRecords === 0
              ? `no signed head covers the ${records} records: the heads were deleted`
              : `no signed head covers the records after ${coveredRecords}: the newest head was deleted`
          )
        const nodeBeyond = yield* repo.nodeBeyond
        if (Option.isSome(nodeBeyond))
          return fault(
            {},
            `the tree has the node ${TreeNodes.nameOf(nodeBeyond.value)}, which covers more records than there are: the newest records were deleted`
          )
        const untracked = yield* repo.untracked
        if (Option.isSome(untracked))
          return fault({ auditId: untracked.value }, "the record is neither sealed nor queued for sealing")
        const misqueued = yield* repo.misqueued
        if (Option.isSome(misqueued))
          return fault(
            { auditId: misqueued.value.id },
            misqueued.value.isSealed
              ? "the record is sealed, but also queued for sealing: the queue was changed"
              : "the record was queued for sealing, and then deleted"
          )
        const unsealed = yield* repo.countAfter(records)
        const publicKeys = Array.from(keys.values())
        return { ok: true, records, unsealed, head: chainHash, publicKeys, keptHeads: 0 } as const
      })

      const verifyWith = Effect.fn("AuditVerifier.verify")(function* <E>({ heads, publicKeys }: Evidence<E>) {
        const trusted = yield* auditKeys.trustedBy(publicKeys ?? [auditKeys.publicKey])
        const kept = KeptHeads.make(trusted)
        let headFault = Option.none<KeptHeads.HeadFault>()
        yield* Stream.runForEach(heads, (head) =>
          Effect.sync(() => {
            headFault = Option.orElse(headFault, () => kept.add(head))
          })
        )
        const keptHeads = kept.count()
        if (Option.isSome(headFault))
          return { ok: false, records: 0, auditId: undefined, ...headFault.value } satisfies Verification
        const own = yield* lastHead
        if (Option.isSome(own) && trusted.accepts(own.value.publicKey, own.value.treeSize)) {
          const fault = kept.add(own.value)
          if (Option.isSome(fault))
            return { ok: false, records: 0, auditId: undefined, ...fault.value } satisfies Verification
        }
        const verification: Verification = yield* recompute(kept, trusted)
        return verification.ok ? { ...verification, keptHeads } : verification
      })

      const verifyAndCount = <E>(evidence: Evidence<E>) =>
        Effect.tap(verifyWith(evidence), ({ ok }: Verification) =>
          Metric.update(AuditMetrics.verifications.of({ outcome: ok ? "whole" : "broken" }), 1)
        )

      return AuditVerifier.of({
        verify: verifyAndCount({ heads: Stream.empty }),
        verifyWith: verifyAndCount
      })
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

const isHashOf = (head: TreeHead, root: Buffer, chainHash: Buffer) =>
  head.rootHash.equals(root) && head.chainHash.equals(chainHash)

const findHeadFault = (
  head: SignedTreeHead,
  root: Buffer,
  chainHash: Buffer,
  trusted: KeyRotation.TrustedKeys
): Option.Option<string> => {
  if (!head.rootHash.equals(root)) return Option.some("the root of the tree differs from the signed head")
  if (!head.chainHash.equals(chainHash))
    return Option.some("the hash of the chain differs from the signed head")
  if (!trusted.accepts(head.publicKey, head.treeSize))
    return Option.some(KeptHeads.untrustedKey("the head", head))
  return isSignedBy(head, head.publicKey)
    ? Option.none()
    : Option.some("the signature of the head is invalid")
}
