import { assert } from "@effect/vitest"
import { EffexError } from "../../../src/client/promise/EffexError.ts"

/** Returns the error of a call. Fails if the call succeeds. */
export const errorOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  assert.instanceOf(error, EffexError)
  return error
}
