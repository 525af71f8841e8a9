import { Effect, FileSystem, Option } from "effect"
import { Flag } from "effect/cli"
import * as Ed25519 from "../../audit/keys/Ed25519.ts"
import { commandError } from "../CommandError.ts"

/** Flag `--key` for the public key of an instance, as text or as a file. */
export const publicKeyFlag = Flag.String("key").pipe(
  Flag.withDescription(
    "The public key of the instance: hexadecimal, base64 or PEM, or a file with one of them"
  )
)

/** Parses the value of the flag. */
export const parsePublicKey = Effect.fnUntraced(function* (value: string) {
  const fs = yield* FileSystem.FileSystem
  const parsed = Ed25519.parsePublicKey(value)
  if (Option.isSome(parsed)) return parsed.value
  const text = yield* Effect.option(fs.readFileString(value))
  const fromFile = Option.flatMap(text, Ed25519.parsePublicKey)
  if (Option.isSome(fromFile)) return fromFile.value
  return yield* commandError(
    Option.isSome(text)
      ? `--key: ${value} has no Ed25519 public key; allowed: 32 bytes in hexadecimal or base64, or PEM`
      : "--key: found neither a public key nor a file; allowed: 32 bytes in hexadecimal or base64, PEM, or a file"
  )
})
