//! How a server is set up, after every value has been checked.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, time::Duration};

use chrono::TimeDelta;
use ipnet::IpNet;
use lettre::message::Mailbox;
use models::{Endpoint, Secret};
use store::DbConfig;
use url::Url;

use crate::{
    billing::{Plan, StripeConfig, Tariff},
    visitors::{Limits, ProofOfWork},
};

/// The checked settings of one server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What people and pages reach the server by, without a slash at the end.
    pub public_url: Url,
    /// Everything that is kept in files.
    pub data_dir: PathBuf,
    /// Where files of contacts lie, `s3://bucket/folder`; in the data folder when unset.
    pub blobs_url: Option<String>,
    /// Keys, region and endpoint of that store, by the names of their variables: `AWS_ACCESS_KEY_ID`, …
    pub blobs_env: Vec<(String, String)>,
    /// The database.
    pub database: DbConfig,
    /// Signs sessions; made at the first start when unset.
    pub secret_key: Option<Secret>,
    /// The mail server; mails are written to files when unset.
    pub smtp_url: Option<String>,
    /// Who mails come from.
    pub mail_from: Mailbox,
    /// The language model; answers are extractive when unset.
    pub llm: Option<Endpoint>,
    /// The server's own names of models, by the names that agents use.
    pub llm_models: HashMap<String, String>,
    /// How long a workspace's own model may take until its first token, and in all.
    pub model_times: (Duration, Duration),
    /// A provider of embeddings, instead of the model in the process.
    pub embedding: Option<Endpoint>,
    /// Folders in which the embedding model may lie; the first that has it is taken.
    pub model_dirs: Vec<PathBuf>,
    /// Plan of a new workspace.
    pub default_plan: Plan,
    /// What plans allow, and what runs cost.
    pub tariff: Tariff,
    /// Stripe, if it takes the money.
    pub stripe: Option<StripeConfig>,
    /// Proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Jobs done at once.
    pub job_workers: usize,
    /// Bytes of an upload.
    pub max_upload_bytes: u64,
    /// Documents in a workspace.
    pub max_documents: i64,
    /// Bytes of memory that search indexes may take together.
    pub index_memory: usize,
    /// The program that reads documents apart from the server: this one, called with `extract-worker`.
    pub extractor: PathBuf,
    /// How long one document may take to read.
    pub extract_timeout: Duration,
    /// Memory that reading one document may take, in bytes.
    pub extract_memory: u64,
    /// Whether addresses that users gave may lead into private networks.
    pub allow_private_networks: bool,
    /// Certificates, in PEM, of authorities that are trusted besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// Least pause between two requests to a website that is crawled; zero switches politeness off.
    pub crawl_delay: Duration,
    /// Pages of one crawl at most.
    pub crawl_max_pages: i64,
    /// How long events are kept.
    pub event_retention: TimeDelta,
    /// Questions that visitors may ask in a minute.
    pub visitor_limits: Limits,
    /// When new visitors must do some work first.
    pub proof_of_work: ProofOfWork,
    /// How long a stop waits for open streams.
    pub drain: Duration,
}
