import { Option } from "effect"
import { define } from "../SettingDefinition.ts"
import { optional, optionalSecret, url } from "../SettingParsers.ts"

/** Settings of the audit: the key that signs it, and the places outside of the database that receive its signed heads. */

export const AUDIT_SIGNING_KEY = define({
  name: "AUDIT_SIGNING_KEY",
  defaultText: "none: a key is generated in DATA_DIR on the first start",
  description: "Ed25519 private key that signs the audit log: its 32-byte seed in base64",
  allowed: "32 bytes in base64",
  ...optionalSecret(Option.liftPredicate((text: string) => Buffer.from(text, "base64").length === 32))
})

export const AUDIT_HEADS_FILE = define({
  name: "AUDIT_HEADS_FILE",
  defaultText: "none",
  description:
    "File to which this node appends every signed head of the audit. Each node needs a file of its own",
  allowed: "a path",
  ...optional(Option.some<string>)
})

export const AUDIT_HEADS_URL = define({
  name: "AUDIT_HEADS_URL",
  defaultText: "none",
  description: "URL to which one node posts every signed head of the audit, at least once",
  allowed: "http://… or https://…",
  ...optionalSecret(url("http:", "https:"))
})

/** Settings of the audit, by the names of their values. */
export const auditSettings = {
  /** Seed of the Ed25519 key that signs the audit log, in base64. None: a generated key in `dataDir`. */
  auditSigningKey: AUDIT_SIGNING_KEY,
  /** File to which this node appends the signed heads. */
  auditHeadsFile: AUDIT_HEADS_FILE,
  /** URL to which the signed heads are posted. */
  auditHeadsUrl: AUDIT_HEADS_URL
}
