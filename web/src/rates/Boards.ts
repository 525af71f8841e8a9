import { client, mergeBoard } from "./RateStore.ts"

/** Reads the series and changes of the pairs of a base again. The stream has only rates. */
export const refreshBoard = async (base: string): Promise<void> => {
  try {
    mergeBoard(await client.board({ base }))
  } catch {
    // The page keeps what it has, and the live status says if the server is unreachable.
  }
}
