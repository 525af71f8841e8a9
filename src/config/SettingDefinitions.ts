import { definitions, type SettingDefinition } from "./SettingDefinition.ts"

/** Every setting. The order of these modules is the order of the documentation. */
export * from "./ServerSettings.ts"
export * from "./ProviderSettings.ts"
export * from "./RateSettings.ts"
export * from "./LimitSettings.ts"
export * from "./RuntimeSettings.ts"
export * from "./ErrorSettings.ts"
export * from "./AuditSettings.ts"
export * from "./AccountSettings.ts"
export * from "./LedgerSettings.ts"
export * from "./OrderSettings.ts"
export * from "./WalletSettings.ts"
export * from "./RiskSettings.ts"
export * from "./ExchangeSettings.ts"

export const all: ReadonlyArray<Omit<SettingDefinition<unknown>, "parse" | "defaultValue">> = definitions
