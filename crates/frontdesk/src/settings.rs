//! The settings: one list of names with their meaning, read from a file, the environment and flags.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use chrono::TimeDelta;
use clap::Args;
use ipnet::IpNet;
use platform::{
    Config, Endpoint, Error, Result, Secret,
    billing::{self, Plan, StripeConfig, Tariff},
    visitors::Limits,
};
use store::DbConfig;
use url::Url;

/// The file that is read when it is there and no other is named.
const DEFAULT_FILE: &str = "frontdesk.toml";
/// Megabytes are 2^20 bytes here.
const MB: u64 = 1024 * 1024;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident $env:literal;)*) => {
        /// What may be set. `None` until something sets it.
        #[derive(Args, Clone, Debug, Default)]
        pub struct Settings {
            $($(#[doc = $doc])+
            #[arg(long, env = $env, global = true, value_name = "VALUE", hide_env_values = true)]
            pub $name: Option<String>,)*
        }

        impl Settings {
            /// The environment's name of a setting.
            fn env(name: &str) -> &'static str {
                match name { $(stringify!($name) => $env,)* _ => "FRONTDESK_CONFIG" }
            }

            /// Takes from a file what neither a flag nor the environment has set.
            fn fill(&mut self, file: &mut BTreeMap<String, toml::Value>) {
                $(let from_file = file.remove(stringify!($name)).map(plain);
                if self.$name.as_deref().is_none_or(str::is_empty) { self.$name = from_file; })*
            }

            /// The names that the environment may hold.
            const ENVIRONMENT: &[&str] = &[$($env),*];
        }
    };
}

settings! {
    /// The settings file [default: frontdesk.toml, if there is one]
    config "FRONTDESK_CONFIG";
    /// Address and port to listen on [default: 127.0.0.1:8000]
    listen "FRONTDESK_LISTEN";
    /// What people and pages reach the server by [default: http://<listen>]
    public_url "FRONTDESK_PUBLIC_URL";
    /// Folder for the database, uploads and keys [default: ./data]
    data_dir "FRONTDESK_DATA_DIR";
    /// postgres://user:password@host/database instead of SQLite in the data folder
    database_url "FRONTDESK_DATABASE_URL";
    /// Where files of contacts lie: s3://bucket/folder, with the AWS_… variables [default: <data>/objects]
    blobs_url "FRONTDESK_BLOBS_URL";
    /// Connections to PostgreSQL at once [default: 20]
    database_connections "FRONTDESK_DATABASE_CONNECTIONS";
    /// Signs sessions, at least 32 characters [default: made at the first start, kept in the data folder]
    secret_key "FRONTDESK_SECRET_KEY";
    /// Mail server: smtps://user:password@host, or smtp://… for STARTTLS [default: mails become files in <data>/outbox]
    smtp_url "FRONTDESK_SMTP_URL";
    /// Sender of mails [default: Frontdesk <frontdesk@host-of-public-url>]
    mail_from "FRONTDESK_MAIL_FROM";
    /// Server with OpenAI's chat API, up to and with /v1 [default: none, answers are quotes]
    llm_base_url "FRONTDESK_LLM_BASE_URL";
    /// Its key
    llm_api_key "FRONTDESK_LLM_API_KEY";
    /// Its model
    llm_model "FRONTDESK_LLM_MODEL";
    /// Names that agents may use for models of that server: gpt-4=llama3.1:70b,fast=llama3.2:3b [default: all names are its model]
    llm_models "FRONTDESK_LLM_MODELS";
    /// Seconds it may take until the first token [default: 15]
    llm_first_token_seconds "FRONTDESK_LLM_FIRST_TOKEN_SECONDS";
    /// Seconds an answer of it may take in all [default: 120]
    llm_timeout_seconds "FRONTDESK_LLM_TIMEOUT_SECONDS";
    /// Server with OpenAI's embeddings API, up to and with /v1 [default: the model in the process]
    embedding_base_url "FRONTDESK_EMBEDDING_BASE_URL";
    /// Its key
    embedding_api_key "FRONTDESK_EMBEDDING_API_KEY";
    /// Its model
    embedding_model "FRONTDESK_EMBEDDING_MODEL";
    /// Folder of the embedding model [default: <data>/model, else beside the program, else the user's cache]
    model_dir "FRONTDESK_MODEL_DIR";
    /// Plan of new workspaces: FREE, STARTER, PROFESSIONAL or ENTERPRISE [default: ENTERPRISE]
    default_plan "FRONTDESK_DEFAULT_PLAN";
    /// File with the limits of plans and the prices, where they differ from the defaults [default: none]
    tariff "FRONTDESK_TARIFF";
    /// Stripe's secret key; with it Stripe takes the money [default: none, everything counts as paid]
    stripe_secret_key "FRONTDESK_STRIPE_SECRET_KEY";
    /// The secret of Stripe's webhook endpoint, <public_url>/api/v1/billing/stripe/events
    stripe_webhook_secret "FRONTDESK_STRIPE_WEBHOOK_SECRET";
    /// Stripe's prices of the plans: STARTER=price_1,PROFESSIONAL=price_2
    stripe_prices "FRONTDESK_STRIPE_PRICES";
    /// Where Stripe's API is [default: https://api.stripe.com]
    stripe_base_url "FRONTDESK_STRIPE_BASE_URL";
    /// Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas [default: none]
    trusted_proxies "FRONTDESK_TRUSTED_PROXIES";
    /// Jobs done at once [default: 2]
    job_workers "FRONTDESK_JOB_WORKERS";
    /// Largest upload in MB [default: 50]
    max_upload_mb "FRONTDESK_MAX_UPLOAD_MB";
    /// Documents in a workspace [default: 10000]
    max_documents "FRONTDESK_MAX_DOCUMENTS";
    /// Memory for search indexes in MB, all workspaces together [default: 1024]
    index_memory_mb "FRONTDESK_INDEX_MEMORY_MB";
    /// Seconds that reading one document may take [default: 600]
    extract_timeout_seconds "FRONTDESK_EXTRACT_TIMEOUT_SECONDS";
    /// Memory that reading one document may take, in MB [default: 512]
    extract_memory_mb "FRONTDESK_EXTRACT_MEMORY_MB";
    /// Let users' addresses point into private networks: true or false [default: false]
    allow_private_networks "FRONTDESK_ALLOW_PRIVATE_NETWORKS";
    /// Certificates, in PEM, of authorities to trust besides the public ones, as a company's own model server needs [default: none]
    ca_file "FRONTDESK_CA_FILE";
    /// Least pause between two requests to a website that is crawled, in milliseconds [default: 1000]
    crawl_delay_ms "FRONTDESK_CRAWL_DELAY_MS";
    /// Pages that a crawl of a website may take [default: 5000]
    crawl_max_pages "FRONTDESK_CRAWL_MAX_PAGES";
    /// Days that events are kept [default: 400]
    event_retention_days "FRONTDESK_EVENT_RETENTION_DAYS";
    /// Questions that one visitor may ask in a minute; 0 is without end [default: 20]
    chat_per_visitor "FRONTDESK_CHAT_PER_VISITOR";
    /// Questions from one address in a minute, other than this machine's own; 0 is without end [default: 120]
    chat_per_address "FRONTDESK_CHAT_PER_ADDRESS";
    /// Questions through one publishable key in a minute; 0 is without end [default: 0]
    chat_per_key "FRONTDESK_CHAT_PER_KEY";
    /// Work that a new visitor's browser must do first: off, auto (when they come faster than usual) or always [default: off]
    proof_of_work "FRONTDESK_PROOF_OF_WORK";
    /// What is logged: error, warn, info, debug, or a filter such as info,sqlx=debug [default: info]
    log "FRONTDESK_LOG";
    /// How it is logged: text or json [default: text]
    log_format "FRONTDESK_LOG_FORMAT";
}

fn plain(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

impl Settings {
    /// Adds the file's settings.
    ///
    /// # Errors
    /// When the file cannot be read or holds a name that is no setting.
    pub fn complete(mut self) -> Result<Self> {
        let named = self.config.clone().filter(|file| !file.is_empty());
        let file = named.clone().unwrap_or_else(|| DEFAULT_FILE.into());
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(_) if named.is_none() => String::new(),
            Err(e) => return Err(Error::invalid("FRONTDESK_CONFIG", format!("cannot read {file}: {e}"))),
        };
        let mut table: BTreeMap<String, toml::Value> = toml::from_str(&text)
            .map_err(|e| Error::bad_request(format!("{file}: {}", e.to_string().replace('\n', " "))))?;
        self.fill(&mut table);
        match table.keys().next() {
            Some(unknown) => {
                Err(Error::bad_request(format!("{file}: {unknown} is not a setting; see frontdesk --help")))
            }
            None => Ok(self),
        }
    }

    /// Names in the environment that look like settings and are none, which is mostly a slip of the pen.
    pub fn unknown_environment() -> Vec<String> {
        std::env::vars()
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("FRONTDESK_") && !Self::ENVIRONMENT.contains(&name.as_str()))
            .collect()
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Invalid, naming the setting that is wrong.
    pub fn check(self) -> Result<Config> {
        let listen = parse("listen", &self.listen, "127.0.0.1:8000", "an address such as 127.0.0.1:8000")?;
        let public_url = self.public_url()?;
        let data_dir = PathBuf::from(self.data_dir.as_deref().unwrap_or("data"));
        let mail_from = match &self.mail_from {
            Some(_) => {
                parse("mail_from", &self.mail_from, "", "a sender such as Frontdesk <help@example.com>")?
            }
            None => default_sender(&public_url)?,
        };
        let plans = "FREE, STARTER, PROFESSIONAL or ENTERPRISE";
        Ok(Config {
            listen,
            database: self.database(&data_dir)?,
            blobs_url: self.blobs_url.clone().filter(|url| !url.is_empty()),
            blobs_env: std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect(),
            llm: self.llm()?,
            llm_models: self.llm_models()?,
            model_times: self.model_times()?,
            embedding: self.embedding()?,
            model_dirs: self.model_dirs(&data_dir),
            secret_key: self.secret_key.clone().map(Secret::new),
            smtp_url: self.smtp_url.clone().filter(|url| !url.is_empty()),
            mail_from,
            default_plan: parse("default_plan", &self.default_plan, "ENTERPRISE", plans)?,
            tariff: self.tariff()?,
            stripe: self.stripe()?,
            trusted_proxies: self.trusted_proxies()?,
            job_workers: number("job_workers", &self.job_workers, 2, 1..=64)? as usize,
            max_upload_bytes: number("max_upload_mb", &self.max_upload_mb, 50, 1..=4096)? * MB,
            max_documents: number("max_documents", &self.max_documents, 10_000, 1..=10_000_000)?
                .cast_signed(),
            index_memory: (number("index_memory_mb", &self.index_memory_mb, 1024, 16..=1_048_576)? * MB)
                as usize,
            extractor: std::env::current_exe().map_err(Error::internal)?,
            extract_timeout: seconds("extract_timeout_seconds", &self.extract_timeout_seconds, 600)?,
            extract_memory: number("extract_memory_mb", &self.extract_memory_mb, 512, 128..=65_536)? * MB,
            allow_private_networks: parse(
                "allow_private_networks",
                &self.allow_private_networks,
                "false",
                "true or false",
            )?,
            ca_file: self.ca_file.clone().filter(|file| !file.is_empty()).map(PathBuf::from),
            crawl_delay: Duration::from_millis(number(
                "crawl_delay_ms",
                &self.crawl_delay_ms,
                1000,
                0..=3_600_000,
            )?),
            crawl_max_pages: number("crawl_max_pages", &self.crawl_max_pages, 5_000, 1..=1_000_000)?
                .cast_signed(),
            event_retention: TimeDelta::days(
                number("event_retention_days", &self.event_retention_days, 400, 1..=36_500)?.cast_signed(),
            ),
            visitor_limits: Limits {
                visitor: number("chat_per_visitor", &self.chat_per_visitor, 20, 0..=100_000)? as u32,
                address: number("chat_per_address", &self.chat_per_address, 120, 0..=1_000_000)? as u32,
                key: number("chat_per_key", &self.chat_per_key, 0, 0..=1_000_000)? as u32,
            },
            proof_of_work: parse("proof_of_work", &self.proof_of_work, "off", "off, auto or always")?,
            drain: Duration::from_secs(30),
            public_url,
            data_dir,
        })
    }

    fn public_url(&self) -> Result<Url> {
        let default = format!("http://{}", self.listen.as_deref().unwrap_or("127.0.0.1:8000"));
        let url: Url =
            parse("public_url", &self.public_url, &default, "an address such as https://chat.example.com")?;
        if !matches!(url.scheme(), "http" | "https") || url.path() != "/" {
            return Err(wrong("public_url", url.as_str(), "http:// or https:// and a host, without a path"));
        }
        Ok(url)
    }

    /// The defaults, with what the operator's file changes.
    fn tariff(&self) -> Result<Tariff> {
        let file = self.tariff.as_deref().filter(|file| !file.is_empty());
        let told = |file: &str, why: String| Error::invalid("FRONTDESK_TARIFF", format!("{file}: {why}"));
        let text = match file {
            Some(file) => std::fs::read_to_string(file).map_err(|e| told(file, e.to_string()))?,
            None => String::new(),
        };
        let tariff = Tariff::read(&text);
        let checked = tariff.and_then(|tariff| billing::check_font(&tariff).map(|()| tariff));
        checked.map_err(|error| told(file.unwrap_or_default(), error.message.into_owned()))
    }

    fn stripe(&self) -> Result<Option<StripeConfig>> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let Some(secret_key) = given(&self.stripe_secret_key) else { return Ok(None) };
        let missing = || {
            let message = "is missing; FRONTDESK_STRIPE_SECRET_KEY needs it";
            Error::invalid(Self::env("stripe_webhook_secret"), message)
        };
        let webhook_secret = given(&self.stripe_webhook_secret).ok_or_else(missing)?;
        let base_url = given(&self.stripe_base_url).unwrap_or_else(|| "https://api.stripe.com".into());
        let base_url = base_url.trim_end_matches('/').to_owned();
        if !base_url.starts_with("http://") && !base_url.starts_with("https://") {
            return Err(wrong(
                "stripe_base_url",
                &base_url,
                "an address that begins with http:// or https://",
            ));
        }
        let prices = self.stripe_prices.as_deref().unwrap_or_default().split(',').map(str::trim);
        let price = |pair: &str| {
            let pair = pair
                .split_once('=')
                .and_then(|(plan, price)| Some((plan.trim().parse().ok()?, price.trim())));
            pair.filter(|(_, price)| !price.is_empty())
                .map(|(plan, price): (Plan, &str)| (plan, price.to_owned()))
        };
        let expected = "pairs such as STARTER=price_1, separated by commas";
        let prices = prices
            .filter(|pair| !pair.is_empty())
            .map(|pair| price(pair).ok_or_else(|| wrong("stripe_prices", pair, expected)))
            .collect::<Result<_>>()?;
        let (secret_key, webhook_secret) = (Secret::new(secret_key), Secret::new(webhook_secret));
        Ok(Some(StripeConfig { base_url, secret_key, webhook_secret, prices }))
    }

    fn trusted_proxies(&self) -> Result<Vec<IpNet>> {
        let listed = self.trusted_proxies.as_deref().unwrap_or_default().split(',').map(str::trim);
        let network = |text: &str| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| wrong("trusted_proxies", text, "an address or a network such as 10.0.0.0/8"))
        };
        listed.filter(|text| !text.is_empty()).map(network).collect()
    }

    fn database(&self, data_dir: &std::path::Path) -> Result<DbConfig> {
        let connections = number("database_connections", &self.database_connections, 20, 2..=1000)? as u32;
        match self.database_url.as_deref().filter(|url| !url.is_empty()) {
            None => Ok(DbConfig::Sqlite { file: data_dir.join("frontdesk.db"), readers: readers() }),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(DbConfig::Postgres { url: url.to_owned(), schema: None, connections })
            }
            // The value is not repeated: it may hold a password.
            Some(_) => Err(Error::invalid(
                "FRONTDESK_DATABASE_URL",
                "must begin with postgres://; leave it out for SQLite",
            )),
        }
    }

    fn llm(&self) -> Result<Option<Endpoint>> {
        endpoint("llm", &self.llm_base_url, &self.llm_api_key, &self.llm_model, self.model_times()?)
    }

    /// How long a model may take until its first token, and in all.
    fn model_times(&self) -> Result<(Duration, Duration)> {
        let first_token = seconds("llm_first_token_seconds", &self.llm_first_token_seconds, 15)?;
        Ok((first_token, seconds("llm_timeout_seconds", &self.llm_timeout_seconds, 120)?))
    }

    /// The names of models that agents use, with the server's own.
    fn llm_models(&self) -> Result<HashMap<String, String>> {
        let pairs =
            self.llm_models.as_deref().unwrap_or_default().split(',').filter(|pair| !pair.trim().is_empty());
        let pair = |pair: &str| match pair.split_once('=').map(|(name, model)| (name.trim(), model.trim())) {
            Some((name, model)) if !name.is_empty() && !model.is_empty() => {
                Ok((name.to_owned(), model.to_owned()))
            }
            _ => Err(wrong("llm_models", pair, "pairs such as gpt-4=llama3.1:70b, separated by commas")),
        };
        pairs.map(pair).collect()
    }

    fn embedding(&self) -> Result<Option<Endpoint>> {
        let limits = (Duration::from_secs(10), Duration::from_secs(30));
        endpoint(
            "embedding",
            &self.embedding_base_url,
            &self.embedding_api_key,
            &self.embedding_model,
            limits,
        )
    }

    /// Where the embedding model may lie.
    fn model_dirs(&self, data_dir: &std::path::Path) -> Vec<PathBuf> {
        if let Some(dir) = &self.model_dir {
            return vec![dir.into()];
        }
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("model")));
        [Some(data_dir.join("model")), beside, cache_dir()].into_iter().flatten().collect()
    }
}

/// The user's cache, where `make model` puts the embedding model for every checkout and data folder.
pub fn cache_dir() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(".cache")))?;
    Some(cache.join("frontdesk").join("all-MiniLM-L6-v2"))
}

/// Connections that read SQLite: two for each core, so that one waits for the disk or a long report while another works.
/// More take the cores from each other, and the slowest answers come later.
fn readers() -> u32 {
    std::thread::available_parallelism().map_or(4, |cores| 2 * cores.get() as u32).clamp(4, 32)
}

fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::invalid(Settings::env(name), format!("{value:?} is not {expected}"))
}

fn parse<T: std::str::FromStr>(
    name: &str,
    value: &Option<String>,
    default: &str,
    expected: &str,
) -> Result<T> {
    let text = value.as_deref().filter(|value| !value.is_empty()).unwrap_or(default);
    text.parse().map_err(|_| wrong(name, text, expected))
}

fn number(
    name: &str,
    value: &Option<String>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64> {
    let expected = format!("a number from {} to {}", range.start(), range.end());
    let number: u64 = parse(name, value, &default.to_string(), &expected)?;
    if range.contains(&number) { Ok(number) } else { Err(wrong(name, &number.to_string(), &expected)) }
}

fn seconds(name: &str, value: &Option<String>, default: u64) -> Result<Duration> {
    number(name, value, default, 1..=3600).map(Duration::from_secs)
}

fn endpoint(
    name: &str,
    base_url: &Option<String>,
    api_key: &Option<String>,
    model: &Option<String>,
    (first_token, total): (Duration, Duration),
) -> Result<Option<Endpoint>> {
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let Some(base_url) = given(base_url) else { return Ok(None) };
    let setting = format!("{name}_base_url");
    let url: Url =
        parse(&setting, &Some(base_url.clone()), "", "an address such as https://api.openai.com/v1")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&setting, &base_url, "an address that begins with http:// or https://"));
    }
    let missing = || {
        Error::invalid(
            Settings::env(&format!("{name}_model")),
            format!("is missing; {} needs it", Settings::env(&setting)),
        )
    };
    let model = given(model).ok_or_else(missing)?;
    Ok(Some(Endpoint { base_url, api_key: given(api_key).map(Secret::new), model, first_token, total }))
}

fn default_sender(public_url: &Url) -> Result<lettre::message::Mailbox> {
    let host = public_url.domain().filter(|host| host.contains('.')).unwrap_or("localhost.localdomain");
    format!("Frontdesk <frontdesk@{host}>").parse().map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(settings: Settings) -> String {
        let error = settings.check().unwrap_err();
        crate::line(&error)
    }

    #[test]
    fn a_wrong_setting_is_named_in_one_line() {
        let listen = Settings { listen: Some("nowhere".into()), ..Settings::default() };
        assert_eq!(message(listen), "FRONTDESK_LISTEN: \"nowhere\" is not an address such as 127.0.0.1:8000");
        let upload = Settings { max_upload_mb: Some("0".into()), ..Settings::default() };
        assert_eq!(message(upload), "FRONTDESK_MAX_UPLOAD_MB: \"0\" is not a number from 1 to 4096");
        let llm = Settings { llm_base_url: Some("http://localhost:1/v1".into()), ..Settings::default() };
        assert_eq!(message(llm), "FRONTDESK_LLM_MODEL: is missing; FRONTDESK_LLM_BASE_URL needs it");
        let database = Settings { database_url: Some("mysql://u:secret@h/d".into()), ..Settings::default() };
        assert!(!message(database).contains("secret"));
    }

    #[test]
    fn flags_and_environment_come_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9000\"\nmax_upload_mb = 7\n").unwrap();
        let config = Some(file.to_str().unwrap().to_owned());
        let flags =
            Settings { config: config.clone(), listen: Some("127.0.0.1:9001".into()), ..Settings::default() };
        let checked = flags.complete().unwrap().check().unwrap();
        assert_eq!(checked.listen.port(), 9001);
        assert_eq!(checked.max_upload_bytes, 7 * MB);

        std::fs::write(&file, "lsiten = \"x\"\n").unwrap();
        let error = Settings { config, ..Settings::default() }.complete().unwrap_err();
        assert!(error.to_string().contains("lsiten is not a setting"), "{error}");
    }
}
