//! HTTP out of this server: to services that the operator has set ([`client`], [`connections`]), and to addresses that
//! users gave ([`Outbound`]), which are checked before anything is sent to them.

mod addresses;
mod body;
mod outbound;
mod resolver;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use ::models::Connections;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

pub use addresses::is_public;
pub use body::Body;
pub use outbound::{FetchError, Incoming, Outbound, Outgoing};
pub use resolver::{Resolved, Resolver, SystemResolver};

use crate::{Config, Error, Result};

/// Makes ring the process's TLS provider; to be called before the first connection.
pub fn install_tls() {
    // A second call finds the provider in place, which is what is wanted.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// The certificate authorities that are trusted: a list of our own, because a minimal image has none, and the operator's.
///
/// # Errors
/// Invalid when the operator's file cannot be read or holds no certificate.
pub fn authorities(config: &Config) -> Result<Arc<RootCertStore>> {
    let mut trusted = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(file) = &config.ca_file {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::invalid("FRONTDESK_CA_FILE", format!("{}: {why}", file.display()))
        };
        let before = trusted.len();
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))? {
            trusted.add(certificate.map_err(|e| wrong(&e))?).map_err(|e| wrong(&e))?;
        }
        if trusted.len() == before {
            return Err(wrong(&"it holds no certificate in PEM"));
        }
    }
    Ok(Arc::new(trusted))
}

/// A client that keeps connections open. It follows no redirect: the operator's addresses are meant as they stand.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn client(authorities: &Arc<RootCertStore>) -> Result<reqwest::Client> {
    kept(builder(tls(authorities)?)).build().map_err(Error::internal)
}

/// Connections for many answers at once: over HTTP/2 where the other side speaks it, over light ones of HTTP/1.1 where it
/// speaks in the clear.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn connections(authorities: &Arc<RootCertStore>) -> Result<Connections> {
    let tls = offering_http2(tls(authorities)?);
    let connections =
        Connections::new(move || kept(builder(tls.clone())).build()).map_err(Error::internal)?;
    Ok(connections.with_light_http1())
}

fn kept(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.connect_timeout(Duration::from_secs(5)).pool_max_idle_per_host(256).tcp_nodelay(true)
}

fn tls(authorities: &Arc<RootCertStore>) -> Result<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(authorities.clone())
        .with_no_client_auth())
}

fn offering_http2(mut tls: ClientConfig) -> ClientConfig {
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

/// What all clients have in common.
fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        // A connection that many answers share is noticed when it is dead.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
}
