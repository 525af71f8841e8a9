import { Console, Effect, FileSystem, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as HeadConsistency from "../../audit/heads/HeadConsistency.ts"
import * as HeadFile from "../../audit/heads/HeadFile.ts"
import * as HeadMessage from "../../audit/heads/HeadMessage.ts"
import * as KeyRotation from "../../audit/keys/KeyRotation.ts"
import * as Receipt from "../../audit/Receipt.ts"
import { parsePublicKey, publicKeyFlag } from "../arguments/PublicKeyFlag.ts"
import { commandError } from "../CommandError.ts"

const verify = Command.make(
  "verify",
  {
    file: Argument.File("receipt", { mustExist: true }).pipe(
      Argument.withDescription("The receipt, as JSON")
    ),
    key: publicKeyFlag,
    rotations: Flag.File("rotations", { mustExist: true }).pipe(
      Flag.withDescription("The output of `effex audit keys --json`, if the key was replaced"),
      Flag.optional
    ),
    head: Flag.File("head", { mustExist: true }).pipe(
      Flag.withDescription(
        "Signed heads that you kept, JSON or NDJSON: proves that the receipt belongs to the same audit"
      ),
      Flag.optional
    ),
    consistency: Flag.File("consistency", { mustExist: true }).pipe(
      Flag.withDescription(
        "The response of /api/v1/audit/consistency for the sizes of the newest kept head and the head of the receipt"
      ),
      Flag.optional
    )
  },
  Effect.fn(function* ({ consistency, file, head: keptFile, key, rotations: rotationsFile }) {
    const fs = yield* FileSystem.FileSystem
    const publicKey = yield* parsePublicKey(key)
    const receipt = yield* Effect.fromResult(Receipt.parse(yield* fs.readFile(file))).pipe(
      Effect.mapError((reason) => commandError(`${file} is not a receipt: ${reason}`))
    )
    const rotations = Option.isNone(rotationsFile)
      ? []
      : yield* Effect.fromResult(Receipt.parseRotations(yield* fs.readFile(rotationsFile.value))).pipe(
          Effect.mapError((reason) => commandError(`${rotationsFile.value} has no key rotations: ${reason}`))
        )
    const fault = Receipt.findFault(receipt, publicKey, rotations)
    if (Option.isSome(fault)) return yield* commandError(`The receipt is not valid: ${fault.value}`)
    const { head, position, record } = receipt
    if (Option.isSome(keptFile)) {
      const keptHeads = yield* Stream.runCollect(HeadFile.read(fs, keptFile.value))
      const proof = Option.isNone(consistency)
        ? Option.none()
        : yield* fs.readFileString(consistency.value).pipe(
            Effect.flatMap((text) => Effect.fromResult(HeadConsistency.parseProof(text))),
            Effect.mapError(() => commandError(`${consistency.value} is not a consistency proof`)),
            Effect.asSome
          )
      const trusted = KeyRotation.trust([publicKey], rotations)
      const contradiction = HeadConsistency.findFault(
        HeadMessage.fromMessage(head),
        keptHeads,
        proof,
        trusted
      )
      if (Option.isSome(contradiction))
        return yield* commandError(
          `The receipt is not proven to be of the kept audit: ${contradiction.value}`
        )
    }
    yield* Console.log(
      `${record.input_amount} ${record.from_currency} to ${record.output_amount} ${record.to_currency} (${record.amount_type} amount) at ${record.converted_at}`
    )
    yield* Console.log(
      `The conversion ${record.audit_id} is record ${position} of ${head.tree_size} in the audit signed at ${head.signed_at}`
    )
  })
).pipe(Command.withDescription("Verify a receipt, without a server and without the database"))

export const command = Command.make("receipt").pipe(
  Command.withDescription("Verify the proof that a conversion is in the audit"),
  Command.withSubcommands([verify])
)
