//! A listener for HTTPS and, with whoever wants it, HTTP/2, as providers of models have.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use axum::serve::Listener;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
    server::TlsStream,
};

/// Listens on a free port of this machine, with a certificate that nobody knows yet.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

/// The certificate of a [`TlsListener`], in a file that goes when this is dropped.
pub struct Authority(TempDir);

impl Authority {
    /// The file, in PEM: what a client has to trust.
    pub fn file(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }
}

impl TlsListener {
    /// Starts to listen; gives what the listener's certificate is known by.
    ///
    /// # Panics
    /// When there is no free port, no temporary folder, or no certificate can be made.
    pub async fn bind() -> (Self, Authority) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let authority = Authority(tempfile::tempdir().expect("a temporary folder"));
        std::fs::write(authority.file(), made.cert.pem()).expect("a file");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("a certificate with its key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        (Self { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) }, authority)
    }

    /// Where it listens: `https://127.0.0.1:…`.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn url(&self) -> String {
        format!("https://{}", self.tcp.local_addr().expect("a bound address"))
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, addr) = Listener::accept(&mut self.tcp).await;
            // Who does not trust the certificate, or hangs up, is not served.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
