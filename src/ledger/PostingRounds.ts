import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"

/** Returns the name of the key of a posting for {@link split}; none without a key. */
export const keyNames = ({ idempotency }: LedgerPosting): ReadonlyArray<string> =>
  idempotency === undefined ? [] : [JSON.stringify([idempotency.principal, idempotency.key])]

/**
 * Splits a batch so that no two items of a round share a name: the second posting of a key must find the stored outcome of
 * the first. Items that share a name keep their order. Almost always there is one round.
 */
export const split = <A>(
  batch: ReadonlyArray<A>,
  namesOf: (item: A) => ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<A>> => {
  const rounds: Array<Array<A>> = []
  const nextRounds = new Map<string, number>()
  for (const item of batch) {
    const names = namesOf(item)
    let round = 0
    for (const name of names) round = Math.max(round, nextRounds.get(name) ?? 0)
    for (const name of names) nextRounds.set(name, round + 1)
    const members = rounds[round]
    if (members === undefined) rounds[round] = [item]
    else members.push(item)
  }
  return rounds
}
