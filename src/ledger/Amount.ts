import { BigDecimal, Schema, SchemaTransformation } from "effect"
import { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import * as Decimal from "../domain/money/Decimal.ts"

const fromDigits = (text: string): BigDecimal.BigDecimal => {
  const [integer = "", fraction = ""] = text.split(".")
  return BigDecimal.normalize(BigDecimal.make(BigInt(integer + fraction), fraction.length))
}

/** A signed NUMERIC of the database. */
export const Amount = Schema.String.check(Schema.isPattern(/^-?\d{1,60}(\.\d{1,60})?$/)).pipe(
  Schema.decodeTo(
    Schema.BigDecimal,
    SchemaTransformation.transform({ decode: fromDigits, encode: Decimal.format })
  )
)

/** Reads a BIGINT as decimal text. */
const bigintText = SchemaTransformation.transform({
  decode: (value: bigint) => value.toString(),
  encode: (text: string) => BigInt(text)
})

/** The id of an account as the database driver returns it. */
export const AccountIdFromBigInt = Schema.BigInt.pipe(Schema.decodeTo(LedgerAccountId, bigintText))
