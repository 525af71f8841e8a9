import { hash } from "node:crypto"

/** Hashes an API key for storage and lookup. SHA-256 without salt is enough, because keys are random. */
export const hashApiKey = (key: string): string => hash("sha256", key, "hex")
