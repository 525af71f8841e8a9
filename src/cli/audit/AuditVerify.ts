import { Console, Effect, FileSystem, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { AuditVerifier } from "../../audit/AuditVerifier.ts"
import * as HeadFile from "../../audit/heads/HeadFile.ts"
import * as HeadLogFile from "../../audit/heads/HeadLogFile.ts"
import * as Verification from "../../audit/Verification.ts"
import { Settings } from "../../config/Settings.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { parsePublicKey, publicKeyFlag } from "../arguments/PublicKeyFlag.ts"
import * as Table from "../view/Table.ts"

/** A record, a hash or a signature of the audit is wrong, or the audit contradicts a head that was kept. */
export class AuditVerificationFailed extends Schema.TaggedError<AuditVerificationFailed>()(
  "AuditVerificationFailed",
  {
    records: Schema.Int,
    auditId: Schema.optionalKey(Schema.String),
    reason: Schema.String
  }
) {
  override get message(): string {
    const record = this.auditId === undefined ? "" : ` at the record ${this.auditId}`
    return `Audit verification failed after ${this.records} valid records${record}: ${this.reason}`
  }
}

/** `effex audit verify`: recomputes the audit, and compares it with heads that were kept elsewhere. */
export const command = Command.make(
  "verify",
  {
    heads: Flag.String("head").pipe(
      Flag.withDescription(
        "A file with signed heads that you kept, JSON or NDJSON: proves that their records are still the first of the audit. Repeat the flag for several files. AUDIT_HEADS_FILE is always read"
      ),
      Flag.atLeast(0)
    ),
    key: publicKeyFlag.pipe(Flag.optional),
    json: jsonFlag
  },
  Effect.fn(function* ({ heads, json, key }) {
    const fs = yield* FileSystem.FileSystem
    const verifier = yield* AuditVerifier
    const publicKey = yield* Effect.transposeOption(Option.map(key, parsePublicKey))
    const { auditHeadsFile } = yield* Settings
    // A node that has not sealed anything yet has no file.
    const published = Option.isSome(auditHeadsFile)
      ? Option.as(yield* HeadLogFile.lastHead(auditHeadsFile.value), auditHeadsFile.value)
      : Option.none()
    const files = [...Option.toArray(published), ...heads]
    const verification = yield* verifier.verifyWith({
      heads: Stream.flatMap(Stream.fromIterable(files), (file) => HeadFile.read(fs, file)),
      ...(Option.isSome(publicKey) ? { publicKeys: [publicKey.value] } : {})
    })
    const message = Verification.toMessage(verification)
    if (verification.ok) return yield* Console.log(json ? JSON.stringify(message) : Table.render(message))
    if (json) yield* Console.log(JSON.stringify(message))
    const { auditId, reason, records } = verification
    return yield* new AuditVerificationFailed({
      records,
      reason,
      ...(auditId === undefined ? {} : { auditId })
    })
  })
).pipe(
  Command.withDescription(
    "Recompute the whole audit. Exits with 1 and reports the first record that is wrong, or the first contradiction to a head that you kept"
  ),
  Command.withExamples([
    { command: "effex audit verify", description: "Verify with the key of this instance" },
    {
      command: "effex audit verify --head heads.ndjson --key audit.pub",
      description: "Verify against heads and a public key that were kept elsewhere"
    }
  ])
)
