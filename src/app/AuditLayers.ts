import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import { AuditFeed } from "../audit/AuditFeed.ts"
import { AuditLog } from "../audit/AuditLog.ts"
import { AuditSealer } from "../audit/AuditSealer.ts"
import { AuditSigner } from "../audit/AuditSigner.ts"
import { AuditVerifier } from "../audit/AuditVerifier.ts"
import { Receipts } from "../audit/Receipts.ts"
import { SealRepo } from "../audit/SealRepo.ts"
import { UnsealedRecords } from "../audit/UnsealedRecords.ts"
import * as HeadPublisher from "../audit/heads/HeadPublisher.ts"
import { AuditKeys } from "../audit/keys/AuditKeys.ts"
import type { SigningKeyError } from "../audit/keys/SigningKeyFile.ts"
import { Consistency } from "../audit/tree/Consistency.ts"
import type { Settings } from "../config/Settings.ts"
import { Webhook } from "../platform/Webhook.ts"
import type { Database } from "../platform/postgres/Database.ts"

/** The key that signs the audit. */
export const auditSigner: Layer.Layer<AuditSigner, SigningKeyError, Settings | SecureRandom.SecureRandom> =
  AuditSigner.layer.pipe(Layer.provide(NodeServices.layer))

export type AuditServices =
  | AuditFeed
  | AuditKeys
  | AuditLog
  | AuditSealer
  | AuditVerifier
  | Consistency
  | Receipts
  | SealRepo
  | UnsealedRecords

/** The log of conversions, its signed heads, receipts and verification. */
export const audit: Layer.Layer<AuditServices, never, Database | AuditSigner> = Layer.mergeAll(
  Receipts.layer,
  AuditVerifier.layer,
  AuditFeed.layer
).pipe(
  Layer.provideMerge(Layer.mergeAll(AuditLog.layer, AuditSealer.layer)),
  Layer.provideMerge(Layer.mergeAll(AuditKeys.layer, Consistency.layer)),
  Layer.provideMerge(Layer.mergeAll(SealRepo.layer, UnsealedRecords.layer))
)

/** Seals conversions, and publishes the signed heads to places outside of the database. */
export const backgroundAudit = AuditSealer.layerBackground.pipe(
  Layer.provideMerge(HeadPublisher.layerBackground),
  Layer.provide([Webhook.layer, NodeServices.layer]),
  Layer.provide(NodeHttpClient.layerUndici)
)
