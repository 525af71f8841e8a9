import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The catalogue of assets, with the log of its changes. Rates may be of any asset, not only of currencies: the checks of
 * their codes are relaxed, and nodes of the previous version keep seeing the pairs of currencies only.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all lookups behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  // Prevents temporary tables of the session from shadowing the real ones.
  const searchPath = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)

  // NOT VALID: existing rows satisfied a stricter check, and are not read.
  for (const table of ["exchange_rate", "quarantined_rate"]) {
    const name = sql.literal(table)
    yield* sql`
      ALTER TABLE ${name}
        DROP CONSTRAINT ${sql.literal(`${table}_source_currency_check`)},
        DROP CONSTRAINT ${sql.literal(`${table}_destination_currency_check`)},
        ADD CONSTRAINT ${sql.literal(`${table}_source_code_check`)} CHECK (source_currency ~ ${sql.literal(CODE)}) NOT VALID,
        ADD CONSTRAINT ${sql.literal(`${table}_destination_code_check`)} CHECK (destination_currency ~ ${sql.literal(CODE)}) NOT VALID`
  }

  yield* sql`
    CREATE TABLE reserved_code (
      code text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$')
    )`
  yield* sql`COMMENT ON TABLE reserved_code IS 'Codes of ISO 4217. Only currencies may have them'`
  yield* sql`
    INSERT INTO reserved_code (code)
    SELECT split_part(line, ' ', 1) FROM unnest(string_to_array(${CURRENCIES}::text, chr(10))) AS line
    UNION ALL SELECT unnest(string_to_array(${WITHOUT_MINOR_UNIT}::text, ' '))`

  yield* sql`
    CREATE TABLE asset (
      code text PRIMARY KEY CHECK (code ~ ${sql.literal(CODE)}),
      kind text NOT NULL CHECK (kind IN ('currency', 'crypto', 'stock')),
      name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
      decimals smallint NOT NULL CHECK (decimals BETWEEN 0 AND 18),
      tradable boolean NOT NULL DEFAULT false,
      minimum_order numeric CHECK (minimum_order > 0 AND minimum_order < 'Infinity'),
      provider_symbols jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(provider_symbols) = 'object'),
      exchange_symbol text CHECK (char_length(exchange_symbol) BETWEEN 1 AND 50),
      state text NOT NULL DEFAULT 'listed' CHECK (state IN ('listed', 'delisted')),
      version int NOT NULL DEFAULT 1 CHECK (version > 0),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_by text NOT NULL CHECK (updated_by <> ''),
      CONSTRAINT asset_minimum_order_decimals CHECK (scale(trim_scale(minimum_order)) <= decimals),
      CONSTRAINT asset_currency_not_tradable CHECK (kind <> 'currency' OR NOT tradable)
    )`
  yield* sql`
    INSERT INTO asset (code, kind, name, decimals, updated_by)
    SELECT split_part(line, ' ', 1), 'currency', substr(line, 7), split_part(line, ' ', 2)::smallint, 'effex'
    FROM unnest(string_to_array(${CURRENCIES}::text, chr(10))) AS line`

  yield* sql`
    CREATE TABLE asset_change (
      code text NOT NULL REFERENCES asset (code),
      version int NOT NULL,
      principal text NOT NULL,
      changed_at timestamptz(3) NOT NULL,
      old_value jsonb,
      new_value jsonb NOT NULL,
      PRIMARY KEY (code, version)
    )`
  yield* sql`SELECT make_immutable('asset_change')`

  yield* sql`
    CREATE FUNCTION check_asset() RETURNS trigger LANGUAGE plpgsql ${searchPath} AS $$
    DECLARE
      is_used boolean;
    BEGIN
      IF (NEW.kind = 'currency') <> EXISTS (SELECT FROM reserved_code WHERE code = NEW.code) THEN
        RAISE EXCEPTION 'the code % cannot be of the kind %: codes of ISO 4217 are reserved for currencies',
          NEW.code, NEW.kind USING ERRCODE = 'check_violation', CONSTRAINT = 'asset_code_reserved';
      END IF;
      IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 THEN
          RAISE EXCEPTION 'the first version of % is 1, not %', NEW.code, NEW.version
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF NEW.code <> OLD.code OR NEW.kind <> OLD.kind OR NEW.created_at <> OLD.created_at THEN
        RAISE EXCEPTION 'the code and the kind of % do not change; list another asset', OLD.code
          USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'each change of an asset is its next version, and % is not the one after %',
          NEW.version, OLD.version USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.decimals <> OLD.decimals THEN
        is_used := EXISTS (SELECT FROM latest_rate WHERE source_currency = OLD.code OR destination_currency = OLD.code)
          OR EXISTS (SELECT FROM exchange_rate WHERE source_currency = OLD.code AND NOT is_leg);
        -- The table of a later migration.
        IF NOT is_used AND to_regclass('ledger_account') IS NOT NULL THEN
          EXECUTE 'SELECT EXISTS (SELECT FROM ledger_account WHERE asset = $1)' INTO is_used USING OLD.code;
        END IF;
        IF is_used THEN
          RAISE EXCEPTION 'the decimals of % do not change: it has rates or balances', OLD.code
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'asset_decimals_fixed';
        END IF;
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER checked BEFORE INSERT OR UPDATE ON asset FOR EACH ROW EXECUTE FUNCTION check_asset()`

  // A trigger writes the log, so that it also covers changes made outside of effex.
  yield* sql`
    CREATE FUNCTION keep_asset_change() RETURNS trigger LANGUAGE plpgsql ${searchPath} AS $$
    BEGIN
      INSERT INTO asset_change (code, version, principal, changed_at, old_value, new_value)
      VALUES (NEW.code, NEW.version, NEW.updated_by, NEW.updated_at,
        CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) END, to_jsonb(NEW));
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER traced AFTER INSERT OR UPDATE ON asset FOR EACH ROW EXECUTE FUNCTION keep_asset_change()`
  yield* sql`
    CREATE FUNCTION refuse_asset_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of % is refused: an asset is delisted, never removed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON asset
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_asset_removal()`
  yield* sql`
    CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON reserved_code
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_asset_removal()`
  yield* sql`
    ALTER TABLE asset
      ENABLE ALWAYS TRIGGER checked, ENABLE ALWAYS TRIGGER traced, ENABLE ALWAYS TRIGGER kept`
  yield* sql`ALTER TABLE reserved_code ENABLE ALWAYS TRIGGER kept`

  // As `rate_in_force` of 0013.
  yield* sql`
    CREATE VIEW asset_rate_in_force AS
    SELECT source_currency, destination_currency, latest_rate.rate_id AS latest_id,
      CASE WHEN is_future(observed_at) OR withdrawn_rate.rate_id IS NOT NULL
        THEN last_credible_rate(source_currency, destination_currency) ELSE latest_rate.rate_id END AS rate_id
    FROM latest_rate LEFT JOIN withdrawn_rate USING (rate_id)`
  // Nodes of the previous version read this view once a second, and stop working at a code of another length than three.
  yield* sql`
    CREATE OR REPLACE VIEW rate_in_force AS
    SELECT source_currency, destination_currency, latest_id, rate_id FROM asset_rate_in_force AS in_force
    WHERE EXISTS (SELECT FROM asset WHERE code = in_force.source_currency AND kind = 'currency')
      AND EXISTS (SELECT FROM asset WHERE code = in_force.destination_currency AND kind = 'currency')`
})

const CODE = String.raw`'^[A-Z][A-Z0-9]{0,9}(\.[A-Z0-9]{1,4})?$'`

/** Codes of ISO 4217 without a minor unit: metals, bond market units, XDR, XSU, XUA, XTS and XXX. */
const WITHOUT_MINOR_UNIT = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"

/** Code, minor unit and name of each currency of ISO 4217 list one of 2026-09-17. effex adds later ones when it starts. */
const CURRENCIES = `AED 2 UAE Dirham
AFN 2 Afghani
ALL 2 Lek
AMD 2 Armenian Dram
AOA 2 Kwanza
ARS 2 Argentine Peso
AUD 2 Australian Dollar
AWG 2 Aruban Florin
AZN 2 Azerbaijan Manat
BAM 2 Convertible Mark
BBD 2 Barbados Dollar
BDT 2 Taka
BHD 3 Bahraini Dinar
BIF 0 Burundi Franc
BMD 2 Bermudian Dollar
BND 2 Brunei Dollar
BOB 2 Boliviano
BOV 2 Mvdol
BRL 2 Brazilian Real
BSD 2 Bahamian Dollar
BTN 2 Ngultrum
BWP 2 Pula
BYN 2 Belarusian Ruble
BZD 2 Belize Dollar
CAD 2 Canadian Dollar
CDF 2 Congolese Franc
CHE 2 WIR Euro
CHF 2 Swiss Franc
CHW 2 WIR Franc
CLF 4 Unidad de Fomento
CLP 0 Chilean Peso
CNY 2 Yuan Renminbi
COP 2 Colombian Peso
COU 2 Unidad de Valor Real
CRC 2 Costa Rican Colon
CUP 2 Cuban Peso
CVE 2 Cabo Verde Escudo
CZK 2 Czech Koruna
DJF 0 Djibouti Franc
DKK 2 Danish Krone
DOP 2 Dominican Peso
DZD 2 Algerian Dinar
EGP 2 Egyptian Pound
ERN 2 Nakfa
ETB 2 Ethiopian Birr
EUR 2 Euro
FJD 2 Fiji Dollar
FKP 2 Falkland Islands Pound
GBP 2 Pound Sterling
GEL 2 Lari
GHS 2 Ghana Cedi
GIP 2 Gibraltar Pound
GMD 2 Dalasi
GNF 0 Guinean Franc
GTQ 2 Quetzal
GYD 2 Guyana Dollar
HKD 2 Hong Kong Dollar
HNL 2 Lempira
HTG 2 Gourde
HUF 2 Forint
IDR 2 Rupiah
ILS 2 New Israeli Sheqel
INR 2 Indian Rupee
IQD 3 Iraqi Dinar
IRR 2 Iranian Rial
ISK 0 Iceland Krona
JMD 2 Jamaican Dollar
JOD 3 Jordanian Dinar
JPY 0 Yen
KES 2 Kenyan Shilling
KGS 2 Som
KHR 2 Riel
KMF 0 Comorian Franc
KPW 2 North Korean Won
KRW 0 Won
KWD 3 Kuwaiti Dinar
KYD 2 Cayman Islands Dollar
KZT 2 Tenge
LAK 2 Lao Kip
LBP 2 Lebanese Pound
LKR 2 Sri Lanka Rupee
LRD 2 Liberian Dollar
LSL 2 Loti
LYD 3 Libyan Dinar
MAD 2 Moroccan Dirham
MDL 2 Moldovan Leu
MGA 2 Malagasy Ariary
MKD 2 Denar
MMK 2 Kyat
MNT 2 Tugrik
MOP 2 Pataca
MRU 2 Ouguiya
MUR 2 Mauritius Rupee
MVR 2 Rufiyaa
MWK 2 Malawi Kwacha
MXN 2 Mexican Peso
MXV 2 Mexican Unidad de Inversion (UDI)
MYR 2 Malaysian Ringgit
MZN 2 Mozambique Metical
NAD 2 Namibia Dollar
NGN 2 Naira
NIO 2 Cordoba Oro
NOK 2 Norwegian Krone
NPR 2 Nepalese Rupee
NZD 2 New Zealand Dollar
OMR 3 Rial Omani
PAB 2 Balboa
PEN 2 Sol
PGK 2 Kina
PHP 2 Philippine Peso
PKR 2 Pakistan Rupee
PLN 2 Zloty
PYG 0 Guarani
QAR 2 Qatari Rial
RON 2 Romanian Leu
RSD 2 Serbian Dinar
RUB 2 Russian Ruble
RWF 0 Rwanda Franc
SAR 2 Saudi Riyal
SBD 2 Solomon Islands Dollar
SCR 2 Seychelles Rupee
SDG 2 Sudanese Pound
SEK 2 Swedish Krona
SGD 2 Singapore Dollar
SHP 2 Saint Helena Pound
SLE 2 Leone
SOS 2 Somali Shilling
SRD 2 Surinam Dollar
SSP 2 South Sudanese Pound
STN 2 Dobra
SVC 2 El Salvador Colon
SYP 2 Syrian Pound
SZL 2 Lilangeni
THB 2 Baht
TJS 2 Somoni
TMT 2 Turkmenistan New Manat
TND 3 Tunisian Dinar
TOP 2 Pa’anga
TRY 2 Turkish Lira
TTD 2 Trinidad and Tobago Dollar
TWD 2 New Taiwan Dollar
TZS 2 Tanzanian Shilling
UAH 2 Hryvnia
UGX 0 Uganda Shilling
USD 2 US Dollar
USN 2 US Dollar (Next day)
UYI 0 Uruguay Peso en Unidades Indexadas (UI)
UYU 2 Peso Uruguayo
UYW 4 Unidad Previsional
UZS 2 Uzbekistan Sum
VED 2 Bolívar Soberano
VES 2 Bolívar Soberano
VND 0 Dong
VUV 0 Vatu
WST 2 Tala
XAD 2 Arab Accounting Dinar
XAF 0 CFA Franc BEAC
XCD 2 East Caribbean Dollar
XCG 2 Caribbean Guilder
XOF 0 CFA Franc BCEAO
XPF 0 CFP Franc
YER 2 Yemeni Rial
ZAR 2 Rand
ZMW 2 Zambian Kwacha
ZWG 2 Zimbabwe Gold`
