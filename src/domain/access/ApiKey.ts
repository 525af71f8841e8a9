import { type DateTime, type Option, Result, Schema } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as DisplayText from "../DisplayText.ts"

/**
 * Permissions of an API key. No scope includes another: `admin` operates the service and cannot move money, so a key can
 * do exactly what its scopes list. `wallets` lets it act for a user, named in the header `Effex-On-Behalf-Of`.
 */
export const Scope = Schema.Literals(["rates:read", "convert", "audit:read", "admin", "wallets"])
export type Scope = typeof Scope.Type

/** `test` keys belong to instances that run the sandbox, `live` keys to instances with real providers. */
export const ApiKeyMode = Schema.Literals(["live", "test"])
export type ApiKeyMode = typeof ApiKeyMode.Type

/** Public identifier of a key. It is not a secret: key lists and audit records contain it. */
export const ApiKeyId = Schema.String.check(Schema.isPattern(/^key_[0-9A-Za-z]{12}$/)).pipe(
  Schema.brand("ApiKeyId")
)
export type ApiKeyId = typeof ApiKeyId.Type

/** Name that the operator gives a key. Keys with one name belong to one owner. */
export const ApiKeyName = DisplayText.Name

/** Stored properties of a key, without its hash. */
export interface ApiKey {
  readonly id: ApiKeyId
  readonly name: string
  readonly mode: ApiKeyMode
  /** The last four characters of the key, to recognize it in lists. */
  readonly lastFour: string
  readonly scopes: ReadonlyArray<Scope>
  readonly createdAt: DateTime.Utc
  readonly expiresAt: Option.Option<DateTime.Utc>
  /** Permanent: a revoked key cannot be restored. */
  readonly revokedAt: Option.Option<DateTime.Utc>
  /** Updated at most once per minute. */
  readonly lastUsedAt: Option.Option<DateTime.Utc>
}

/** A key that authenticates a request, with its owner: the ids of all keys with its name and mode, oldest first. */
export interface AuthenticatedKey extends ApiKey {
  readonly kind: "key"
  readonly owner: NonEmptyReadonlyArray<ApiKeyId>
}

/** The key is malformed, unknown, expired, revoked or of the other mode. `detail` never contains any part of the key. */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** Number of random bytes that {@link compose} takes. */
export const KEY_ENTROPY_BYTES = 32
/** Number of random bytes that {@link composeId} takes. */
export const ID_ENTROPY_BYTES = 16

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/** 30 base62 characters hold 178 bits. */
const SECRET_LENGTH = 30
const CHECKSUM_LENGTH = 6

const KEY_PATTERN = new RegExp(
  `^(efx_(live|test)_[0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`
)

/**
 * Composes a key: `efx_live_` or `efx_test_`, 30 random characters, and the CRC-32 of everything before it. The checksum
 * detects a mistyped key without a database query, and lets secret scanners recognize a leaked one.
 */
export const compose = (mode: ApiKeyMode, entropy: Uint8Array): string => {
  const body = `efx_${mode}_${base62(numberOf(entropy), SECRET_LENGTH)}`
  return body + checksumOf(body)
}

/** Composes a key id: `key_` and 12 random characters. */
export const composeId = (entropy: Uint8Array): ApiKeyId =>
  ApiKeyId.make(`key_${base62(numberOf(entropy), 12)}`)

/** Returns the mode of a well-formed key, and fails for any other text. The key may still be unknown or revoked. */
export const modeOf = (text: string): Result.Result<ApiKeyMode, InvalidKey> => {
  const [, body, mode, checksum] = KEY_PATTERN.exec(text) ?? []
  if (body === undefined) {
    const detail = "The API key is malformed: expected efx_live_… or efx_test_…, 45 characters in total"
    return Result.fail(new InvalidKey({ detail }))
  }
  if (checksumOf(body) !== checksum) {
    const detail = "The API key is mistyped: its checksum does not match"
    return Result.fail(new InvalidKey({ detail }))
  }
  return Result.succeed(mode === "live" ? "live" : "test")
}

const checksumOf = (body: string) => base62(BigInt(crc32(body)), CHECKSUM_LENGTH)

const numberOf = (bytes: Uint8Array) => bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)

/** The lowest `length` base62 digits of a number. The entropy exceeds the digits by far, so all digits are equally likely. */
const base62 = (number: bigint, length: number) => {
  let digits = ""
  for (let quotient = number; digits.length < length; quotient /= 62n)
    digits = ALPHABET.charAt(Number(quotient % 62n)) + digits
  return digits
}

/** CRC-32 of an ASCII text, as in zip and PNG (ISO 3309). */
const crc32 = (text: string): number => {
  let crc = ~0
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  }
  return ~crc >>> 0
}
