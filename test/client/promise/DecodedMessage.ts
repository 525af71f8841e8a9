import { assert } from "@effect/vitest"

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

type TimeField = `${string}_at` | "at" | "start" | "as_of" | "times" | "time" | "since" | "until"

type Time<A> = A extends ReadonlyArray<unknown> ? ReadonlyArray<Date> : A extends string ? Date : A

/** A JSON message as the client returns it: names in camelCase, and times as `Date`s. */
export type Decoded<Message> = Message extends string
  ? Message
  : Message extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Decoded<Item>>
    : Message extends object
      ? {
          readonly [Name in keyof Message as CamelCase<Name>]: Name extends TimeField
            ? Time<Message[Name]>
            : Decoded<Message[Name]>
        }
      : Message

/** Compiles only if the server's message, decoded, is a value of the client's type. */
export const isDecoded = <Message, Value>(claim: Decoded<Message> extends Value ? true : false) =>
  assert.isTrue(claim)

export type Encoded<S extends { readonly Encoded: unknown }> = S["Encoded"]
