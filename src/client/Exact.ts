import { BigDecimal } from "effect"

/** Fields that are decimal text in the client with promises. */
const DECIMAL_FIELDS = [
  "amount",
  "available",
  "balance",
  "change",
  "change24h",
  "charged",
  "closing",
  "cost",
  "exchangeAmount",
  "fee",
  "filled",
  "held",
  "houseFilled",
  "margin",
  "minimumOrder",
  "opening",
  "ordered",
  "poolThreshold",
  "posted",
  "price",
  "rate",
  "remainder",
  "remaining",
  "series",
  "spread",
  "sum",
  "threshold",
  "total",
  "totalPrice",
  "unit",
  "value"
] as const

type DecimalField = (typeof DECIMAL_FIELDS)[number]

type ExactText<A> = A extends string
  ? BigDecimal.BigDecimal
  : A extends ReadonlyArray<infer B>
    ? ReadonlyArray<ExactText<B>>
    : Exact<A>

/** A value of the client with promises, whose decimals are `BigDecimal`s. */
export type Exact<A> = A extends Date
  ? A
  : A extends ReadonlyArray<infer B>
    ? ReadonlyArray<Exact<B>>
    : A extends object
      ? { readonly [K in keyof A]: K extends DecimalField ? ExactText<A[K]> : Exact<A[K]> }
      : A

const isDecimalField = (name: string) => DECIMAL_FIELDS.some((field) => field === name)

/** Converts the decimals of a value. Throws for text that is not a decimal. */
export const fromText = <A>(value: A): Exact<A> => convert(value) as Exact<A>

const convert = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(convert)
  if (typeof value !== "object" || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      isDecimalField(name) ? toDecimal(field) : convert(field)
    ])
  )
}

const toDecimal = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toDecimal)
  return typeof value === "string" ? BigDecimal.fromStringUnsafe(value) : convert(value)
}
