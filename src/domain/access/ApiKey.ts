import { type DateTime, type Option, Result, Schema } from "effect"

/**
 * What a key may be used for. None includes another: `admin` runs the service, and does not move money, so that a key
 * can do what stands on it and nothing else.
 */
export const Scope = Schema.Literals(["rates:read", "convert", "audit:read", "admin"])
export type Scope = typeof Scope.Type

/** `test` keys are of instances with the sandbox, `live` ones of those with real providers. */
export const Mode = Schema.Literals(["live", "test"])
export type Mode = typeof Mode.Type

/** Names a key. It is no secret: it stands in lists, and in the audit as who asked. */
export const ApiKeyId = Schema.String.check(Schema.isPattern(/^key_[0-9A-Za-z]{12}$/)).pipe(
  Schema.brand("ApiKeyId")
)
export type ApiKeyId = typeof ApiKeyId.Type

/** The holder's name for a key. */
export const ApiKeyName = Schema.String.check(Schema.isPattern(/^[^\p{Cc}]{1,100}$/u))

/** All that is kept of a key, but for its hash. */
export interface ApiKey {
  readonly id: ApiKeyId
  readonly name: string
  readonly mode: Mode
  /** The end of the key, by which its holder knows it again. */
  readonly lastFour: string
  readonly scopes: ReadonlyArray<Scope>
  readonly createdAt: DateTime.Utc
  readonly expiresAt: Option.Option<DateTime.Utc>
  /** Once and for ever. */
  readonly revokedAt: Option.Option<DateTime.Utc>
  /** To the minute. */
  readonly lastUsedAt: Option.Option<DateTime.Utc>
}

/** Who asks. */
export interface Principal {
  /** The id of a key, or a word that is none. */
  readonly id: string
  readonly scopes: ReadonlyArray<Scope>
}

/** Whoever shows no key. */
export const ANONYMOUS: Principal = { id: "anonymous", scopes: [] }

/** A key that opens nothing here, and why, in words that hold nothing of the key. */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

/** How many random bytes {@link compose} takes. */
export const KEY_ENTROPY_BYTES = 32
/** How many random bytes {@link composeId} takes. */
export const ID_ENTROPY_BYTES = 16

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/** 178 bits. */
const SECRET_LENGTH = 30
const CHECKSUM_LENGTH = 6

const FORM = new RegExp(`^(efx_(live|test)_[0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`)

/**
 * A key as its holder gets it: `efx_live_` or `efx_test_`, 30 random characters, and the CRC-32 of all that, so that a
 * mistyped key and a key in somebody's repository are known without asking the database.
 */
export const compose = (mode: Mode, entropy: Uint8Array): string => {
  const body = `efx_${mode}_${base62(numberOf(entropy), SECRET_LENGTH)}`
  return body + checksumOf(body)
}

export const composeId = (entropy: Uint8Array): ApiKeyId =>
  ApiKeyId.make(`key_${base62(numberOf(entropy), 12)}`)

/** The mode of a key that is written as keys are; nothing is said of whether there is such a key. */
export const modeOf = (text: string): Result.Result<Mode, InvalidKey> => {
  const [, body, mode, checksum] = FORM.exec(text) ?? []
  if (body === undefined) {
    const detail = "It is not written as a key of effex is: efx_live_… or efx_test_…, of 45 characters"
    return Result.fail(new InvalidKey({ detail }))
  }
  if (checksumOf(body) !== checksum) {
    const detail = "The key is mistyped: its checksum does not fit"
    return Result.fail(new InvalidKey({ detail }))
  }
  return Result.succeed(mode === "live" ? "live" : "test")
}

const checksumOf = (body: string) => base62(BigInt(crc32(body)), CHECKSUM_LENGTH)

const numberOf = (bytes: Uint8Array) => bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)

/** The lowest digits of a number; with that much more entropy than digits, all are equally likely. */
const base62 = (number: bigint, length: number) => {
  let digits = ""
  for (let rest = number; digits.length < length; rest /= 62n)
    digits = ALPHABET.charAt(Number(rest % 62n)) + digits
  return digits
}

/** CRC-32 as in zip and PNG (ISO 3309), of ASCII. */
const crc32 = (text: string): number => {
  let crc = ~0
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  }
  return ~crc >>> 0
}
