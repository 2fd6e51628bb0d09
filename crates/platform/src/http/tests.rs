//! The client for addresses that users gave, against servers on this machine and names that a test resolves.

use std::{
    collections::HashMap,
    io::Write,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::TryStreamExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rustls::RootCertStore;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use super::{
    FetchError, Outbound, Outgoing, Resolver, is_public,
    resolver::{Checked, Resolved},
};

/// Names that a test makes up.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<HashMap<String, Vec<IpAddr>>>>);

impl Names {
    fn set(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.0.lock().unwrap().insert(name.into(), addresses);
    }
}

impl Resolver for Names {
    fn resolve(&self, host: String) -> Resolved {
        let found = self.0.lock().unwrap().get(&host).cloned();
        Box::pin(async move { found.ok_or_else(|| std::io::Error::other("no such name")) })
    }
}

fn outbound(names: &Names, private_allowed: bool) -> Outbound {
    super::install_tls();
    let admits = if private_allowed { |_| true } else { is_public };
    Outbound::with(
        "test",
        &Arc::new(RootCertStore::empty()),
        Checked { resolver: Arc::new(names.clone()), admits },
    )
    .unwrap()
}

/// A server that answers each request with what a function makes of it, byte by byte; gives its address and what it
/// was sent.
async fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = sent.clone();
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let reply = answer(&request);
            log.lock().unwrap().push(request);
            stream.write_all(&reply).await.ok();
            stream.shutdown().await.ok();
        }
    });
    (address, sent)
}

fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes(), body].concat()
}

async fn fetch(client: &Outbound, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let request = Outgoing::get(url.parse().unwrap(), HeaderMap::new(), Duration::from_secs(5));
    let body = client.send(request, |_| true).await?.into_body(limit)?.into_stream();
    body.try_fold(Vec::new(), |mut all, part| async move {
        all.extend_from_slice(&part);
        Ok(all)
    })
    .await
}

#[tokio::test]
async fn addresses_of_private_networks_are_refused_however_they_are_written() {
    let client = outbound(&Names::default(), false);
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.1.2.3:8080/",
        "http://[fd00:ec2::254]/",
        "http://0/",
        "https://192.168.0.1/",
    ] {
        assert!(matches!(fetch(&client, url, 10).await, Err(FetchError::Private(_))), "{url}");
    }
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://user:secret@example.com/",
        "mailto:a@example.com",
    ] {
        assert_eq!(fetch(&client, url, 10).await, Err(FetchError::Address), "{url}");
    }
    assert_eq!(fetch(&client, "http://example.com:25/", 10).await, Err(FetchError::Port(25)));
}

#[tokio::test]
async fn a_name_is_checked_by_what_it_resolves_to() {
    let names = Names::default();
    let (address, sent) = server(|_| reply("200 OK", b"secret")).await;
    let port = address.rsplit(':').next().unwrap();
    names.set("inside.example", &["127.0.0.1"]);
    names.set("both.example", &["93.184.215.14", "127.0.0.1"]);
    names.set("mapped.example", &["::ffff:127.0.0.1"]);
    let client = outbound(&names, false);
    for name in ["inside.example", "both.example", "mapped.example"] {
        let url = format!("http://{name}:{port}/");
        assert_eq!(fetch(&client, &url, 10).await, Err(FetchError::Private(name.into())));
        let checked = client.check(&url.parse().unwrap()).await;
        assert_eq!(checked, Err(FetchError::Private(name.into())));
    }
    assert!(client.check(&"http://unknown.example/".parse().unwrap()).await.is_ok(), "it may resolve later");
    let unknown = fetch(&client, "http://unknown.example/", 10).await;
    assert_eq!(unknown, Err(FetchError::Unreachable("unknown.example".into())));
    assert!(sent.lock().unwrap().is_empty(), "nothing was sent");
    let allowed = outbound(&names, true);
    assert_eq!(fetch(&allowed, &format!("http://inside.example:{port}/"), 10).await.unwrap(), b"secret");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused_at_the_connection() {
    let names = Names::default();
    let (address, sent) = server(|_| reply("200 OK", b"secret")).await;
    names.set("rebind.example", &["93.184.215.14"]);
    let client = outbound(&names, false);
    let url = format!("http://rebind.example:{}/", address.rsplit(':').next().unwrap());
    assert!(client.check(&url.parse().unwrap()).await.is_ok());
    names.set("rebind.example", &["127.0.0.1"]);
    assert_eq!(fetch(&client, &url, 10).await, Err(FetchError::Private("rebind.example".into())));
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn redirects_are_followed_in_bounds_and_tell_no_secrets() {
    let (other, seen) = server(|_| reply("200 OK", b"there")).await;
    let target = format!("http://{other}/end");
    let (address, _) = server(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let to = |to: &str| reply(&format!("302 Found\r\nlocation: {to}"), b"");
        match path {
            "/out" => to(&target),
            "/circle" => to("/round"),
            "/round" => to("/circle"),
            "/self" => to("/self#here"),
            "/nowhere" => to("http://[broken/"),
            "/file" => to("file:///etc/passwd"),
            "/0" => reply("200 OK", b"home"),
            path => match path.trim_start_matches('/').parse::<u32>() {
                Ok(n) => to(&format!("/{}", n - 1)),
                Err(_) => reply("404 Not Found", b""),
            },
        }
    })
    .await;
    let client = outbound(&Names::default(), true);
    let at = |path: &str| format!("http://{address}{path}");
    assert_eq!(fetch(&client, &at("/5"), 10).await.unwrap(), b"home");
    assert_eq!(fetch(&client, &at("/6"), 10).await, Err(FetchError::TooManyRedirects));
    assert_eq!(fetch(&client, &at("/circle"), 10).await, Err(FetchError::Circle));
    assert_eq!(fetch(&client, &at("/self"), 10).await, Err(FetchError::Circle));
    assert_eq!(fetch(&client, &at("/nowhere"), 10).await, Err(FetchError::BadRedirect));
    assert_eq!(fetch(&client, &at("/file"), 10).await, Err(FetchError::Address));

    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer secret"))]);
    let url: Url = at("/out").parse().unwrap();
    let request = |headers| Outgoing::get(url.clone(), headers, Duration::from_secs(5));
    let answer = client.send(request(headers), |_| true).await.unwrap();
    assert_eq!(answer.url.path(), "/end");
    assert!(!seen.lock().unwrap()[0].contains("secret"), "another origin sees no credentials");
    let refused = client.send(request(HeaderMap::new()), |_| false).await;
    assert!(matches!(refused, Err(FetchError::Elsewhere(to)) if to.path() == "/end"));
}

#[tokio::test]
async fn a_redirect_into_a_private_network_is_refused() {
    super::install_tls();
    let (address, _) = server(|_| reply("302 Found\r\nlocation: http://169.254.169.254/latest/", b"")).await;
    // This machine stands for the public network.
    let admits = |address: IpAddr| address.is_loopback() || is_public(address);
    let resolver = Arc::new(Names::default());
    let client =
        Outbound::with("test", &Arc::new(RootCertStore::empty()), Checked { resolver, admits }).unwrap();
    let fetched = fetch(&client, &format!("http://{address}/"), 10).await;
    assert_eq!(fetched, Err(FetchError::Private("169.254.169.254".into())));
}

#[tokio::test]
async fn bodies_have_bounds_packed_or_not() {
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let (small, bomb) = (pack(b"hello"), pack(&vec![0; 64 << 20]));
    assert!(bomb.len() < 100_000);
    let (address, _) = server(move |request| match request.split(' ').nth(1).unwrap_or_default() {
        "/packed" => reply("200 OK\r\ncontent-encoding: gzip", &small),
        "/cut" => reply("200 OK\r\ncontent-encoding: gzip", &small[..small.len() - 6]),
        "/bomb" => reply("200 OK\r\ncontent-encoding: gzip", &bomb),
        "/strange" => reply("200 OK\r\ncontent-encoding: br", b"x"),
        "/long" => reply("200 OK\r\ncontent-length: 1000000000000", b"x"),
        "/less" => reply("200 OK\r\ncontent-length: 100", b"only this"),
        "/more" => reply("200 OK\r\ncontent-length: 4", b"moreover"),
        _ => reply("200 OK", &[b'x'; 5_000]),
    })
    .await;
    let client = outbound(&Names::default(), true);
    let at = |path: &str| format!("http://{address}{path}");
    assert_eq!(fetch(&client, &at("/packed"), 5).await.unwrap(), b"hello");
    assert_eq!(fetch(&client, &at("/packed"), 4).await, Err(FetchError::TooLarge(4)));
    assert_eq!(fetch(&client, &at("/cut"), 1000).await, Err(FetchError::Broken));
    assert_eq!(fetch(&client, &at("/bomb"), 1 << 20).await, Err(FetchError::TooLarge(1 << 20)));
    assert_eq!(fetch(&client, &at("/strange"), 1000).await, Err(FetchError::Encoding));
    assert_eq!(fetch(&client, &at("/long"), 1000).await, Err(FetchError::TooLarge(1000)));
    assert_eq!(fetch(&client, &at("/less"), 1000).await, Err(FetchError::Broken));
    assert_eq!(fetch(&client, &at("/more"), 1000).await.unwrap(), b"more");
    assert_eq!(fetch(&client, &at("/plain"), 4_999).await, Err(FetchError::TooLarge(4_999)));
    assert_eq!(fetch(&client, &at("/plain"), 5_000).await.unwrap().len(), 5_000);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let client = outbound(&Names::default(), true);
    let request = Outgoing::get(url, HeaderMap::new(), Duration::from_millis(200));
    assert!(matches!(client.send(request, |_| true).await, Err(FetchError::TooSlow)));
}
