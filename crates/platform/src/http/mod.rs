//! HTTP out of this server: to services that the operator has set ([`client`]), and to addresses that users gave
//! ([`Outbound`]), which are checked before anything is sent to them.

mod addresses;
mod body;
mod outbound;
mod resolver;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore};

pub use addresses::is_public;
pub use body::Body;
pub use outbound::{FetchError, Incoming, Outbound, Outgoing};
pub use resolver::{Resolved, Resolver, SystemResolver};

use crate::{Error, Result};

/// Makes ring the process's TLS provider; to be called before the first connection.
pub fn install_tls() {
    // A second call finds the provider in place, which is what is wanted.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// A client that keeps connections open. It brings its own list of certificate authorities, because a minimal
/// image has none, and follows no redirect: the operator's addresses are meant as they stand.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn client() -> Result<reqwest::Client> {
    builder()?
        .connect_timeout(Duration::from_secs(5))
        .pool_max_idle_per_host(256)
        .tcp_nodelay(true)
        .build()
        .map_err(Error::internal)
}

/// What all clients have in common.
fn builder() -> Result<reqwest::ClientBuilder> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(reqwest::redirect::Policy::none()))
}
