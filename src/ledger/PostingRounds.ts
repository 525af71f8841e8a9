import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"

/**
 * Splits a batch so that no round has two postings of one key: the second must find the stored outcome of the first.
 * Almost always there is one round.
 */
export const of = <A>(
  batch: ReadonlyArray<A>,
  postingOf: (pending: A) => LedgerPosting
): ReadonlyArray<ReadonlyArray<A>> =>
  by(batch, (pending) => {
    const { idempotency } = postingOf(pending)
    return idempotency && JSON.stringify([idempotency.principal, idempotency.key])
  })

/** Splits a batch so that no round has two items of one name. Undefined names do not count. */
export const by = <A>(
  batch: ReadonlyArray<A>,
  nameOf: (pending: A) => string | undefined
): ReadonlyArray<ReadonlyArray<A>> => {
  const rounds: Array<Array<A>> = []
  const seen = new Map<string, number>()
  for (const pending of batch) {
    const name = nameOf(pending)
    const round = name === undefined ? 0 : (seen.get(name) ?? 0)
    if (name !== undefined) seen.set(name, round + 1)
    const members = rounds[round]
    if (members === undefined) rounds[round] = [pending]
    else members.push(pending)
  }
  return rounds.filter((round) => round !== undefined)
}
