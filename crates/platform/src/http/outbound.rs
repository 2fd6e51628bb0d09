//! The one client for addresses that users gave: websites to crawl, webhooks, tools.
//!
//! An address is checked before every request, redirects included: its scheme and port, the address itself when it is
//! written as numbers, else all that its name resolves to. What the name resolved to is what the connection goes to.
//! `FRONTDESK_ALLOW_PRIVATE_NETWORKS` switches the checks of addresses and ports off.

use std::{
    error::Error as StdError,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use ::models::Connections;
use bytes::Bytes;
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderValue, LOCATION},
};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

use super::{
    Body, Resolver, is_public,
    resolver::{Checked, Private},
};
use crate::{Config, Error, Result};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// How long a name may take to resolve when nothing is sent yet.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Why something could not be fetched, in words for whoever gave the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Not http or https, without a host, or with a password in it.
    #[error("The address must begin with http:// or https://, and hold a host and no password.")]
    Address,
    /// A port that no website has.
    #[error("Port {0} is not allowed: an address has port 80, 443 or one from 1024 up.")]
    Port(u16),
    /// It leads into a private network.
    #[error(
        "{0} leads into a private network, which this server does not enter. Whoever runs it can allow that by FRONTDESK_ALLOW_PRIVATE_NETWORKS."
    )]
    Private(String),
    /// No connection.
    #[error("{0} cannot be reached.")]
    Unreachable(String),
    /// It took too long.
    #[error("There was no whole answer in time.")]
    TooSlow,
    /// A redirect led back to where it came from.
    #[error("The address redirects in a circle.")]
    Circle,
    /// Redirect after redirect.
    #[error("There were more than {MAX_REDIRECTS} redirects.")]
    TooManyRedirects,
    /// A redirect that leads nowhere.
    #[error("The address redirects to something that is no address.")]
    BadRedirect,
    /// The caller did not want to follow.
    #[error("It redirects to {0}.")]
    Elsewhere(Box<Url>),
    /// The body was larger than asked for, packed or unpacked.
    #[error("The answer is larger than {} MB.", .0 / (1024 * 1024))]
    TooLarge(u64),
    /// The connection broke off, or the answer was not what its headers said.
    #[error("The answer broke off.")]
    Broken,
    /// Packed in a way that was not asked for.
    #[error("The answer is packed in a way that was not asked for.")]
    Encoding,
}

impl FetchError {
    /// Whether the same request may well succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TooSlow | Self::Broken)
    }
}

/// A request to an address that a user gave.
pub struct Outgoing {
    /// GET follows redirects; other methods take one for the answer.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Not forwarded to another origin, but for what is no secret.
    pub headers: HeaderMap,
    /// What to send.
    pub body: Bytes,
    /// How long everything may take, redirects and the answer's body included.
    pub time: Duration,
}

impl Outgoing {
    /// A GET.
    pub fn get(url: Url, headers: HeaderMap, time: Duration) -> Self {
        Self { method: Method::GET, url, headers, body: Bytes::new(), time }
    }
}

/// An answer whose body has not been read.
pub struct Incoming {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    response: Response,
    deadline: Instant,
}

impl Incoming {
    /// The body, at most so many bytes of it after unpacking.
    ///
    /// # Errors
    /// When its headers say that it is larger, or packed in a way that is not read here.
    pub fn into_body(self, limit: u64) -> Result<Body, FetchError> {
        Body::new(self.response, self.deadline, limit)
    }
}

/// The client.
pub struct Outbound {
    client: reqwest::Client,
    /// For answers of models.
    connections: Connections,
    checked: Checked,
}

impl Outbound {
    /// A client for a server's settings.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(
        config: &Config,
        authorities: &Arc<RootCertStore>,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self> {
        let address = config.public_url.as_str().trim_end_matches('/');
        let name = format!("Frontdesk/{} (+{address})", env!("CARGO_PKG_VERSION"));
        let admits = if config.allow_private_networks { |_| true } else { is_public };
        Self::with(&name, authorities, Checked { resolver, admits })
    }

    /// A client that calls itself by a name and goes where it may.
    pub(super) fn with(name: &str, authorities: &Arc<RootCertStore>, checked: Checked) -> Result<Self> {
        let (name, resolver) = (name.to_owned(), Arc::new(checked.clone()));
        let client = move |tls: ClientConfig| {
            super::builder(tls)
                .user_agent(&name)
                .dns_resolver(resolver.clone())
                .no_proxy()
                .referer(false)
                .connect_timeout(Duration::from_secs(10))
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(8)
                .build()
        };
        let tls = super::tls(authorities)?;
        let with_http2 = super::offering_http2(tls.clone());
        Ok(Self {
            client: client(tls).map_err(Error::internal)?,
            connections: Connections::new(move || client(with_http2.clone())).map_err(Error::internal)?,
            checked,
        })
    }

    /// Sends a request, and follows redirects as long as `follow` says so. Each is checked like the first address.
    ///
    /// # Errors
    /// When the address may not be reached, cannot be reached, or does not answer in time.
    pub async fn send(
        &self,
        request: Outgoing,
        follow: impl Fn(&Url) -> bool,
    ) -> Result<Incoming, FetchError> {
        let Outgoing { method, mut url, mut headers, body, time } = request;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let deadline = Instant::now() + time;
        let mut passed = Vec::new();
        self.admit(&url)?;
        loop {
            let call = self.client.request(method.clone(), url.clone());
            let sent = call.headers(headers.clone()).body(body.clone()).send();
            let answered = timeout_at(deadline, sent).await.map_err(|_| FetchError::TooSlow)?;
            let response = answered.map_err(|error| explain(&error, &url))?;
            let Some(next) = redirect(&method, &url, &response)? else {
                let (status, headers) = (response.status(), response.headers().clone());
                return Ok(Incoming { url, status, headers, response, deadline });
            };
            self.admit(&next)?;
            if next == url || passed.contains(&next) {
                return Err(FetchError::Circle);
            }
            if passed.len() == MAX_REDIRECTS {
                return Err(FetchError::TooManyRedirects);
            }
            if !follow(&next) {
                return Err(FetchError::Elsewhere(Box::new(next)));
            }
            if next.origin() != url.origin() {
                headers = harmless(&headers);
            }
            passed.push(std::mem::replace(&mut url, next));
        }
    }

    /// Connections for streams from an address that was admitted. Names are checked as they resolve, and nothing
    /// follows redirects.
    pub(crate) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Whether a user may give this address: what can be told without sending anything. A name that does not resolve
    /// passes, because it may later.
    ///
    /// # Errors
    /// When the address is malformed or leads into a private network.
    pub async fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.admit(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let found = timeout(LOOK_UP, self.checked.clone().addresses(name.to_owned())).await;
        match found {
            Ok(Err(error)) if error.is::<Private>() => Err(FetchError::Private(name.to_owned())),
            _ => Ok(()),
        }
    }

    /// What the address itself says; names are looked at when they are resolved.
    fn admit(&self, url: &Url) -> Result<(), FetchError> {
        let plain = url.username().is_empty() && url.password().is_none();
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(FetchError::Address);
        };
        if !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(FetchError::Address);
        }
        let admitted = match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => (self.checked.admits)(address.into()),
            Host::Ipv6(address) => (self.checked.admits)(address.into()),
        };
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        match port {
            _ if !admitted => Err(FetchError::Private(host.to_string())),
            // Services of one's own network may have any port.
            80 | 443 | 1024.. => Ok(()),
            _ if (self.checked.admits)(here) => Ok(()),
            _ => Err(FetchError::Port(port)),
        }
    }
}

/// Where a redirect leads, without the fragment.
fn redirect(method: &Method, url: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = response.headers().get(LOCATION).filter(|_| redirects && method == Method::GET)
    else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut next = url.join(location.trim()).map_err(|_| FetchError::BadRedirect)?;
    next.set_fragment(None);
    Ok(Some(next))
}

/// The headers that another origin may see.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    let harmless = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE];
    headers.iter().filter(|(name, _)| harmless.contains(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn explain(error: &reqwest::Error, url: &Url) -> FetchError {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<Private>() {
            return FetchError::Private(host);
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        FetchError::TooSlow
    } else if error.is_connect() {
        FetchError::Unreachable(host)
    } else {
        FetchError::Broken
    }
}
