import { Flag } from "effect/cli"

const MAX_LENGTH = 1000

/** `--reason`: a required text of 1 to 1000 characters. */
export const reasonFlag = (description: string) =>
  Flag.String("reason").pipe(
    Flag.withDescription(description),
    Flag.filter(
      (text) => text.trim() !== "" && Array.from(text).length <= MAX_LENGTH,
      () => `expected 1 to ${MAX_LENGTH} characters`
    )
  )
