import { Effect, Option, Stream } from "effect"
import * as Exact from "./Exact.ts"
import { fromPromise, type HttpFailure, invalidResponse } from "./HttpFailure.ts"
import type { PagedList } from "./promise/Pages.ts"
import type { ServerAccess } from "./promise/Requests.ts"

/** Calls of the client with promises as effects: decimals are `BigDecimal`s, and errors are typed. */
export type EffectCalls<Calls> = {
  readonly [Name in keyof Calls]: Calls[Name] extends (...args: infer Args) => infer Result
    ? Result extends Promise<infer A>
      ? (...args: Args) => Effect.Effect<Exact.Exact<A>, HttpFailure>
      : Result extends PagedList<infer A>
        ? (...args: Args) => Stream.Stream<Exact.Exact<A>, HttpFailure>
        : never
    : EffectCalls<Calls[Name]>
}

type AnyCall = (...args: ReadonlyArray<unknown>) => unknown

/**
 * Converts calls of the client with promises. `make` makes them for a server access whose `closed` aborts when the effect is
 * interrupted. `lists` are the names of calls that return lists.
 */
export const fromPromises = <Calls extends object>(
  access: ServerAccess,
  make: (access: ServerAccess) => Calls,
  lists: ReadonlyArray<string> = []
): EffectCalls<Calls> => {
  const convert = (calls: object, find: (access: ServerAccess) => object): object =>
    Object.fromEntries(
      Object.entries(calls).map(([name, member]) => {
        const memberOf = (access: ServerAccess): unknown => Reflect.get(find(access), name)
        if (typeof member !== "function") return [name, convert(member, (access) => Object(memberOf(access)))]
        const callOf = (access: ServerAccess) => memberOf(access) as AnyCall
        return [name, lists.includes(name) ? listOf(access, callOf) : effectOf(access, callOf)]
      })
    )
  // The types of the members follow from those of `Calls`.
  return convert(make(access), make) as EffectCalls<Calls>
}

const effectOf =
  (access: ServerAccess, callOf: (access: ServerAccess) => AnyCall) =>
  (...args: ReadonlyArray<unknown>) =>
    Effect.tryPromise({
      try: async (signal) => callOf({ ...access, closed: signal })(...args),
      catch: fromPromise
    }).pipe(Effect.flatMap((value) => exactOf(access, value)))

const listOf =
  (access: ServerAccess, callOf: (access: ServerAccess) => AnyCall) =>
  (...args: ReadonlyArray<unknown>) =>
    Stream.paginate(undefined as string | undefined, (cursor) =>
      Effect.tryPromise({
        try: async (signal) => {
          const list = callOf({ ...access, closed: signal })(...args) as PagedList<unknown>
          return list.page(cursor)
        },
        catch: fromPromise
      }).pipe(
        Effect.flatMap((page) => exactOf(access, page)),
        Effect.map(({ data, next }) => [data, Option.fromUndefinedOr(next)] as const)
      )
    )

const exactOf = <A>({ url }: ServerAccess, value: A) =>
  Effect.sync(() => Exact.fromText(value)).pipe(Effect.catchDefect((cause) => invalidResponse(url, cause)))
