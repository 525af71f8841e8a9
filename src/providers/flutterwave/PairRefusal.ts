/** Statuses with which Flutterwave rejects a valid request for a pair that it does not quote. */
const STATUSES: ReadonlySet<number> = new Set([400, 422])

/** Reports that concern the account, the request or the moment, and so every pair. */
const GENERAL =
  /whitelist|authori[sz]|\b(api|secret|public) key|\btoken\b|permission|forbidden|\bis required|try again|at the moment|temporar|too many|\blimit\b|idempotency|support team|contact support|\b(merchant|account)\b.*\b(disabled|suspended|blocked|inactive|not active)|amount (is|must|should|cannot|exceeds|below|too)|(minimum|maximum) amount/i

/** Reports that name the pair or its currencies as the cause. */
const OF_PAIR =
  /not (currently )?support|unsupported|not available for|no (transfer )?rates? (found )?(for|between)/i

/**
 * Returns true if an error of Flutterwave says that it does not quote the pair. Flutterwave documents no code for that, so
 * a 400 or 422 means that unless its message has another cause; with other statuses, the message must state it.
 */
export const isPairRefusal = (status: number, message: string): boolean =>
  !GENERAL.test(message) &&
  (STATUSES.has(status) || ((status === 200 || status === 404) && OF_PAIR.test(message)))
