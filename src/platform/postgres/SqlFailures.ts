import { Effect, Metric, Predicate } from "effect"
import { SqlError } from "effect/sql"
import * as DatabaseMetrics from "../metrics/DatabaseMetrics.ts"
import { StoreUnavailable } from "./StoreUnavailable.ts"

/** Returns true for errors of the connection or of the server's state, false for errors of the statement. */
export const isUnavailable = ({ reason }: SqlError.SqlError): boolean => {
  switch (reason._tag) {
    case "SqlSyntaxError":
    case "AuthorizationError":
    case "ConstraintError":
    case "UniqueViolation":
      return false
    case "UnknownError":
      return !isStatementError(reason.cause)
    default:
      return true
  }
}

/** SQLSTATE classes for errors of a statement or its data: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const isStatementError = (cause: unknown) =>
  Predicate.hasProperty(cause, "code") &&
  Predicate.isString(cause.code) &&
  /^(0A|21|22|23|26|2F|34|38|39|3B|3D|3F|42|44|P0)/.test(cause.code)

/** Returns true when a statement refers to a row that does not exist. */
export const isForeignKeyViolation = ({ reason }: SqlError.SqlError): boolean =>
  Predicate.hasProperty(reason.cause, "code") && reason.cause.code === "23503"

/** Returns true when a concurrent transaction caused a rollback, so that the statements can be retried. */
export const isRolledBack = ({ reason }: SqlError.SqlError): boolean =>
  reason._tag === "DeadlockError" || reason._tag === "SerializationError"

/**
 * Returns true when a concurrent process caused the rejection, so that a repetition can succeed: it inserted the same key
 * first, or rolled this transaction back.
 */
export const isConflict = (error: unknown): boolean =>
  SqlError.isSqlError(error) && (error.reason._tag === "UniqueViolation" || isRolledBack(error))

/** Fails with `StoreUnavailable` and counts the failure. */
export const failUnavailable = (cause: unknown, kind: "unavailable" | "deadline" = "unavailable") =>
  Effect.suspend(() => {
    const error = new StoreUnavailable({ cause })
    return Effect.andThen(countFailure(error.isLocked ? "locked" : kind), Effect.fail(error))
  })

/**
 * Converts the defect of a transaction that lost its connection into `StoreUnavailable`. The client cannot roll such a
 * transaction back, which Effect reports as a defect.
 */
export const recoverLostTransaction = (defect: unknown) =>
  SqlError.isSqlError(defect) && isUnavailable(defect) ? failUnavailable(defect) : Effect.die(defect)

/** Counts a failed database call. */
export const countFailure = (kind: "unavailable" | "locked" | "deadline" | "refused") =>
  Metric.update(DatabaseMetrics.errors.of({ kind }), 1)
