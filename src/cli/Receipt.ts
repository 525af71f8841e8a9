import { Console, Effect, FileSystem, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Receipt from "../audit/Receipt.ts"
import { parsePublicKey, publicKeyFlag } from "./arguments/PublicKeyFlag.ts"
import { commandError } from "./CommandError.ts"

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
    )
  },
  Effect.fn(function* ({ file, key, rotations: rotationsFile }) {
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
