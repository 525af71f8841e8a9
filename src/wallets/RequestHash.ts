import * as CanonicalEncoding from "../audit/CanonicalEncoding.ts"
import type { PostingKey } from "../domain/ledger/LedgerPosting.ts"

/** Key of a request that moves money, and who chose it. */
export interface RequestKey {
  /** Keys of different principals are independent. */
  readonly owner: string
  /** The `Idempotency-Key`; undefined: every request moves money. */
  readonly key: string | undefined
}

/** A request that moves money of a user. */
export interface MovementRequest extends RequestKey {
  /** Id of the API key that acts for the user. Undefined for a user who is signed in. */
  readonly requestedBy?: string | undefined
}

/** Returns the details of a posting that name the API key that acts for a user. */
export const requesterDetails = (requestedBy: string | undefined) =>
  requestedBy === undefined ? {} : { requested_by: requestedBy }

/**
 * Returns the ledger key of a request, or undefined without one. The hash covers what the request means, so that two
 * spellings of one request are equal, and one key cannot be used for two kinds of requests.
 */
export const postingKeyOf = (
  { key, owner }: RequestKey,
  meaning: ReadonlyArray<string | null>
): PostingKey | undefined =>
  key === undefined
    ? undefined
    : {
        principal: owner,
        key,
        requestHash: CanonicalEncoding.sha256(CanonicalEncoding.encode(meaning)).toString("hex")
      }
