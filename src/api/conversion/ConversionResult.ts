import { Schema, String } from "effect"
import { RateId } from "../../domain/rates/Rate.ts"
import { ConversionMessage, QuoteMessage } from "./ConversionMessage.ts"
import { Timestamp } from "../../domain/Timestamp.ts"

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

/** Renames the fields of a JSON message to camelCase. */
function camelCase<Fields extends Schema.Struct.Fields>(
  fields: Fields
): { readonly [Name in keyof Fields as CamelCase<Name>]: Fields[Name] }
function camelCase(fields: Schema.Struct.Fields): Schema.Struct.Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [String.snakeToCamel(name), field]))
}

/** Encodes camelCase fields under the snake_case names of JSON. */
const snakeCaseKeys = (fields: Schema.Struct.Fields): { readonly [name: string]: string } =>
  Object.fromEntries(Object.keys(fields).map((name) => [name, String.camelToSnake(name)]))

const conversionFields = {
  ...camelCase(ConversionMessage.fields),
  rateId: RateId,
  rateFetchedAt: Timestamp,
  convertedAt: Timestamp
}

/** A committed conversion, for the typed client. Amounts and rates are decimal text. */
export const ConversionResult = Schema.Struct(conversionFields).pipe(
  Schema.encodeKeys(snakeCaseKeys(conversionFields))
)
export type ConversionResult = typeof ConversionResult.Type

const quoteFields = {
  ...camelCase(QuoteMessage.fields),
  expiresAt: Timestamp,
  rateId: RateId,
  rateFetchedAt: Timestamp,
  createdAt: Timestamp
}

/** A locked price, for the typed client. Amounts and rates are decimal text. */
export const QuoteResult = Schema.Struct(quoteFields).pipe(Schema.encodeKeys(snakeCaseKeys(quoteFields)))
export type QuoteResult = typeof QuoteResult.Type
