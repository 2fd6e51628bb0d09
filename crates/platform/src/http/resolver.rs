//! Names to addresses, checked: a connection is made to an address that was looked at, and to no other.

use std::{
    error::Error as StdError,
    fmt,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What finds the addresses of a name; a test has its own.
pub trait Resolver: Send + Sync {
    /// The addresses of a host's name.
    fn resolve(&self, host: String) -> Resolved;
}

/// The addresses of a name, once they are known.
pub type Resolved = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// The system's resolver.
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: String) -> Resolved {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name that leads where users may not send this server.
#[derive(Debug)]
pub(super) struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads into a private network")
    }
}

impl StdError for Private {}

/// Hands a client only addresses that it may connect to. The client connects to what it is handed, so that a name
/// cannot lead elsewhere after the check.
#[derive(Clone)]
pub(super) struct Checked {
    pub resolver: Arc<dyn Resolver>,
    /// Which addresses may be connected to.
    pub admits: fn(IpAddr) -> bool,
}

impl Checked {
    /// The addresses of a name. One private address among them is enough to refuse it: a client would try them in turn.
    pub async fn addresses(self, host: String) -> Result<Vec<IpAddr>, Box<dyn StdError + Send + Sync>> {
        let found = self.resolver.resolve(host).await?;
        if !found.iter().copied().all(self.admits) {
            return Err(Private.into());
        }
        Ok(found)
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            // The port is the URL's, which stands in for 0.
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
