import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"

/**
 * Splits a batch so that no round has two postings of one key: the second must find the stored outcome of the first.
 * Almost always there is one round.
 */
export const of = <A>(
  batch: ReadonlyArray<A>,
  postingOf: (pending: A) => LedgerPosting
): ReadonlyArray<ReadonlyArray<A>> => {
  const rounds: Array<Array<A>> = []
  const seen = new Map<string, number>()
  for (const pending of batch) {
    const { idempotency } = postingOf(pending)
    let round = 0
    if (idempotency !== undefined) {
      const key = JSON.stringify([idempotency.principal, idempotency.key])
      round = seen.get(key) ?? 0
      seen.set(key, round + 1)
    }
    const members = rounds[round]
    if (members === undefined) rounds[round] = [pending]
    else members.push(pending)
  }
  return rounds.filter((round) => round !== undefined)
}
