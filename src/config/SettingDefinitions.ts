import { definitions, type SettingDefinition } from "./SettingDefinition.ts"

/** Every setting. The order of these modules is the order of the documentation. */
export * from "./settings/ServerSettings.ts"
export * from "./settings/ProviderSettings.ts"
export * from "./settings/RateSettings.ts"
export * from "./settings/LimitSettings.ts"
export * from "./settings/RuntimeSettings.ts"
export * from "./settings/ErrorSettings.ts"
export * from "./settings/AuditSettings.ts"
export * from "./settings/AccountSettings.ts"
export * from "./settings/LedgerSettings.ts"
export * from "./settings/OrderSettings.ts"
export * from "./settings/WalletSettings.ts"
export * from "./settings/RiskSettings.ts"
export * from "./settings/ExchangeSettings.ts"

export const all: ReadonlyArray<Omit<SettingDefinition<unknown>, "parse" | "defaultValue">> = definitions
