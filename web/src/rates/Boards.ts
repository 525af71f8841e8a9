import { EffexError } from "../../../src/client/promise/EffexError.ts"
import { client, mergeBoard, mergeRate, pairOf } from "./RateStore.ts"

/** Reads the series and changes of the pairs of a base again. The stream has only rates. */
export const refreshBoard = async (base: string): Promise<void> => {
  try {
    mergeBoard(await client.board({ base }))
  } catch {
    // The page keeps what it has, and the live status says if the server is unreachable.
  }
}

const UNKNOWN_CODES = new Set(["unsupported-currency", "unsupported-pair", "invalid-request"])

/**
 * Reads a pair: from the board, and one that is not polled from its provider. Returns why that failed, or undefined if there
 * is a rate, or no such pair.
 */
export const loadPair = async (from: string, to: string): Promise<string | undefined> => {
  await refreshBoard(from)
  if (pairOf(from, to)?.polled === true) return undefined
  try {
    mergeRate(await client.rate(from, to))
    // Now the board has its margin and its development.
    await refreshBoard(from)
    return undefined
  } catch (error) {
    if (!(error instanceof EffexError)) throw error
    return UNKNOWN_CODES.has(error.code) ? undefined : `${error.detail}.`
  }
}
