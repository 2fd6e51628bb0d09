//! Against answers as servers give them, and as none should.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use futures_util::{StreamExt, TryStreamExt};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::codec::Decoder;

use super::*;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What is read of bytes that come in these pieces and then end: the status, the body, and whether the connection may be
/// used again.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> io::Result<(u16, Vec<u8>, bool)> {
    let (mut answer, mut src) = (Answer::default(), BytesMut::new());
    let (mut status, mut body) = (0, Vec::new());
    let mut take = |part: Part| match part {
        Part::Head(code) => status = code,
        Part::Data(bytes) => body.extend_from_slice(&bytes),
        Part::End => {}
    };
    for piece in pieces {
        src.extend_from_slice(piece);
        while let Some(part) = answer.decode(&mut src)? {
            take(part);
        }
    }
    let reusable = answer.may_go_on() && src.is_empty();
    while let Some(part) = answer.decode_eof(&mut src)? {
        take(part);
    }
    Ok((status, body, reusable))
}

#[test]
fn answers_are_read_however_they_are_cut() {
    let answers = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_owned(), (200, "hello", true)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nConnection: Close\r\n\r\nhello".into(),
            (200, "hello", false),
        ),
        (format!("{CHUNKED}3\r\nhel\r\n2;name=\"x\"\r\nlo\r\n0\r\n\r\n"), (200, "hello", true)),
        (format!("{CHUNKED}00005\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), (200, "hello", true)),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow Down\r\ncontent-length: 0\r\n\r\n".into(),
            (429, "", true),
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello".into(), (200, "hello", false)),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello".into(), (200, "hello", false)),
        ("HTTP/1.1 204 No Content\r\n\r\n".into(), (204, "", true)),
        (
            format!("{}5\r\nhello\r\n0\r\n\r\n", CHUNKED.replace("OK", "OK\r\nContent-Length: 5")),
            (200, "hello", false),
        ),
    ];
    for (answer, (status, body, reusable)) in answers {
        for size in 1..=answer.len() {
            let read = read(answer.as_bytes().chunks(size)).unwrap();
            assert_eq!(read, (status, body.as_bytes().to_vec(), reusable), "{answer:?} by {size}");
        }
    }
}

#[test]
fn what_is_no_answer_or_half_of_one_is_an_error() {
    let wrong = [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello".into(),
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello".into(),
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello".into(),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello".into(),
        format!("{CHUNKED}five\r\nhello\r\n0\r\n\r\n"),
        format!("{CHUNKED}5\r\nhello\r\n\r\n\r\n"),
        format!("{CHUNKED};x\r\n\r\n"),
        format!("{CHUNKED}ffffffffffffffffff\r\nhello"),
        format!("{CHUNKED}4\r\nhello\r\n0\r\n\r\n"),
        format!("{CHUNKED}1;{}", "x".repeat(4_000)),
        format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1_000)),
    ];
    for answer in wrong {
        let error = read([answer.as_bytes()]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{answer:.80?}");
    }
    let cut = ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"].map(str::to_owned);
    for answer in
        cut.into_iter().chain([format!("{CHUNKED}5\r\nhello"), format!("{CHUNKED}5\r\nhello\r\n0\r\n")])
    {
        let error = read([answer.as_bytes()]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{answer:?}");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(
        head in prop_oneof![Just(CHUNKED), Just("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Just("")],
        bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'f'), any::<u8>()], 0..200),
        size in 1_usize..50,
    ) {
        let _ = read([head.as_bytes()].into_iter().chain(bytes.chunks(size)));
    }
}

/// A server that gives each connection, in the order in which they come, these answers, one a request, and then closes it.
/// Gives its address.
async fn serve(connections: Vec<Vec<&'static str>>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/chat?a=b", listener.local_addr().unwrap());
    let work = async move {
        for answers in connections {
            let (mut open, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\nhello") {
                    assert_ne!(open.read_buf(&mut asked).await.unwrap(), 0, "a whole request");
                }
                let asked = String::from_utf8(asked).unwrap();
                assert!(asked.starts_with("POST /v1/chat?a=b HTTP/1.1\r\nhost: 127.0.0.1:"), "{asked}");
                assert!(
                    asked.contains("\r\nx-key: secret\r\n") && asked.contains("\r\ncontent-length: 5\r\n")
                );
                open.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    tokio::spawn(work);
    url.parse().unwrap()
}

fn request(url: &Url) -> Request {
    let client = reqwest::Client::builder().no_proxy();
    rustls::crypto::ring::default_provider().install_default().ok();
    client.build().unwrap().post(url.clone()).header("x-key", "secret").body("hello").build().unwrap()
}

async fn ask(client: &Http1, url: &Url) -> io::Result<String> {
    let (status, body) = client.send(&request(url)).await?;
    let bytes: Vec<Bytes> = body.try_collect().await?;
    Ok(format!("{status} {}", String::from_utf8_lossy(&bytes.concat())))
}

const ONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
const TWO: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n";

#[tokio::test]
async fn a_connection_is_used_again_when_the_server_lets_it_be() {
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nend";
    let url = serve(vec![vec![ONE, TWO, last], vec![ONE]]).await;
    let client = Http1::new();
    for expected in ["200 one", "200 two", "200 end", "200 one"] {
        assert_eq!(ask(&client, &url).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_answer_that_is_left_before_the_end_of_its_body_keeps_the_connection_if_that_has_come() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let url = serve(vec![vec![TWO, half], vec![ONE]]).await;
    let client = Http1::new();
    for (word, expected) in [("two", 1), ("half", 0)] {
        let (_, mut body) = client.send(&request(&url)).await.unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), word);
        drop(body);
        let waiting = client.idle.0.lock().unwrap().values().map(Vec::len).sum::<usize>();
        assert_eq!(waiting, expected, "{word}");
    }
    assert_eq!(ask(&client, &url).await.unwrap(), "200 one");
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_or_spoken_on_is_not_used() {
    let chatty =
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\noneHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";
    let url = serve(vec![vec![ONE], vec![chatty], vec![TWO]]).await;
    let client = Http1::new();
    for expected in ["200 one", "200 one", "200 two"] {
        assert_eq!(ask(&client, &url).await.unwrap(), expected);
    }
}

/// A server of which each connection is served as `serve` says. Gives its address.
async fn each<F: Future<Output = ()> + Send>(
    serve: impl Fn(usize, TcpStream) -> F + Send + 'static,
) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::<AtomicUsize>::default();
    let counted = count.clone();
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    tokio::spawn(async move {
        loop {
            let (open, _) = listener.accept().await.unwrap();
            serve(counted.fetch_add(1, Ordering::Relaxed), open).await;
        }
    });
    (url.parse().unwrap(), count)
}

#[tokio::test]
async fn who_refuses_a_request_before_it_was_sent_is_heard() {
    let (url, _) = each(|_, mut open| async move {
        open.read_exact(&mut [0; 64]).await.unwrap();
        open.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig").await.unwrap();
        // It reads no further, and waits until the other side has hung up.
        open.shutdown().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    })
    .await;
    let client = Http1::new();
    let mut request = request(&url);
    *request.body_mut() = Some(vec![b'x'; 32 << 20].into());
    let (status, body) = client.send(&request).await.unwrap();
    let body: Vec<Bytes> = body.try_collect().await.unwrap();
    assert_eq!((status, &*body.concat()), (413, &b"big"[..]));
    assert!(client.idle.0.lock().unwrap().is_empty(), "half a request was sent on it");
}

#[tokio::test]
async fn a_request_that_the_server_may_have_begun_is_not_sent_again() {
    let (url, connections) = each(|nth, mut open| async move {
        let asked = async |open: &mut TcpStream| {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\nhello") && open.read_buf(&mut asked).await.unwrap() > 0 {}
        };
        asked(&mut open).await;
        open.write_all(ONE.as_bytes()).await.unwrap();
        asked(&mut open).await;
        match nth {
            // It hangs up at once, as one that had closed the connection before.
            0 => {}
            // It works at it, and dies.
            1 => tokio::time::sleep(CLOSING + Duration::from_millis(200)).await,
            // It dies within the head.
            _ => open.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap(),
        }
    })
    .await;
    let client = Http1::new();
    let opened = || connections.load(Ordering::Relaxed);
    assert_eq!(ask(&client, &url).await.unwrap(), "200 one");
    assert_eq!((ask(&client, &url).await.unwrap(), opened()), ("200 one".into(), 2));
    assert_eq!(ask(&client, &url).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!((ask(&client, &url).await.unwrap(), opened()), ("200 one".into(), 3));
    assert_eq!(ask(&client, &url).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(opened(), 3);
}

#[tokio::test]
async fn an_address_that_takes_no_connection_leaves_time_for_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    // One whose queue is full says nothing to whoever comes.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let silent = full.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(open)) = timeout(Duration::from_millis(100), TcpStream::connect(silent)).await {
        queue.push(open);
    }
    let addresses = [closed, silent, listener.local_addr().unwrap()];
    let open = connect(&addresses, Duration::from_millis(600)).await.unwrap();
    assert_eq!(open.peer_addr().unwrap(), addresses[2]);
    let failed = connect(&addresses[..2], Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn what_goes_wrong_is_told() {
    let url =
        serve(vec![vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"], vec!["nonsense\r\n\r\n"]]).await;
    let client = Http1::new();
    assert_eq!(ask(&client, &url).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(ask(&client, &url).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    // Its server takes no third.
    assert!(ask(&client, &url).await.is_err());
}

#[test]
fn it_is_for_servers_in_the_clear_without_a_proxy() {
    let proxies = Matcher::builder().http("http://proxy.example:3128").no("inside.example").build();
    let client = Http1 { proxies: Arc::new(proxies), idle: Idle::default() };
    let is_for = |url: &str| client.is_for(&url.parse().unwrap());
    assert!(is_for("http://inside.example/v1"));
    assert!(!is_for("http://outside.example/v1") && !is_for("https://inside.example/v1"));
}
