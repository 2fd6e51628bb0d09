//! The load generator: visitors that ask over kept connections, and judge what they get.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1::SendRequest, header, http::request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Result, api, corpus,
    fill::Filled,
    process::{self, Cpu},
};

/// An answer that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// What keeps a server that refuses everything from being asked in a tight loop.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);

/// Who is asked, and how.
pub struct Target {
    addr: SocketAddr,
    protocol: Protocol,
    asked: AtomicUsize,
}

/// Makes a request by its number.
pub type Calls = Box<dyn Fn(usize) -> Result<Request<Full<Bytes>>> + Send + Sync>;

enum Protocol {
    /// The server's own, with the agent and key of a filled workspace.
    Widget(Filled),
    /// OpenAI's chat completions, of the stand-in and of the proxy before it.
    Completions,
    /// A path that answers JSON, with a session's token.
    Json { path: String, token: Option<String> },
    /// Requests that the caller makes, each by its number; their answers are JSON.
    Made(Calls),
}

impl Target {
    /// The server under test.
    pub fn server(addr: SocketAddr, filled: Filled) -> Arc<Self> {
        Arc::new(Self { addr, protocol: Protocol::Widget(filled), asked: AtomicUsize::new(0) })
    }

    /// The stand-in, or the proxy before it.
    pub fn completions(addr: SocketAddr) -> Arc<Self> {
        Arc::new(Self { addr, protocol: Protocol::Completions, asked: AtomicUsize::new(0) })
    }

    /// A path of a server that answers JSON, called with a session's token or without.
    pub fn json(addr: SocketAddr, path: impl Into<String>, token: Option<&str>) -> Arc<Self> {
        let protocol =
            Protocol::Json { path: path.into(), token: token.map(|token| format!("Bearer {token}")) };
        Arc::new(Self { addr, protocol, asked: AtomicUsize::new(0) })
    }

    /// Requests that the caller makes; their answers are JSON.
    pub fn made(addr: SocketAddr, calls: Calls) -> Arc<Self> {
        Arc::new(Self { addr, protocol: Protocol::Made(calls), asked: AtomicUsize::new(0) })
    }

    /// The next request; a question is one that was not asked before, of a visitor who was not there before.
    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        let (request, body) = match &self.protocol {
            Protocol::Made(calls) => {
                let mut request = calls(nth)?;
                let host = header::HeaderValue::from_str(&self.addr.to_string())?;
                request.headers_mut().insert(header::HOST, host);
                let json = header::HeaderValue::from_static("application/json");
                request.headers_mut().insert(header::CONTENT_TYPE, json);
                return Ok(request);
            }
            Protocol::Widget(filled) => {
                let request = Request::post("/api/v1/widget/chat").header("x-api-key", &filled.key);
                let (session, question) = (format!("sess_{nth}"), corpus::question(nth));
                let body = json!({ "agent_id": filled.agent, "session_id": session, "message": question });
                (request.header(header::ORIGIN, api::ORIGIN), Full::from(body.to_string()))
            }
            Protocol::Completions => {
                let messages = json!([{ "role": "user", "content": corpus::question(nth) }]);
                let body = json!({ "model": "stand-in", "stream": true, "messages": messages });
                (Request::post("/v1/chat/completions"), Full::from(body.to_string()))
            }
            Protocol::Json { path, token } => {
                let request = Request::get(path);
                let add = |request: request::Builder, token| request.header(header::AUTHORIZATION, token);
                (token.iter().fold(request, add), Full::default())
            }
        };
        let request = request
            .header(header::HOST, self.addr.to_string())
            .header(header::CONTENT_TYPE, "application/json");
        Ok(request.body(body)?)
    }

    /// What the first token's event holds and none before it does; what JSON begins with.
    fn token(&self) -> &'static [u8] {
        match self.protocol {
            Protocol::Widget(_) => b"\"type\":\"token\"",
            Protocol::Completions => b"\"content\":",
            Protocol::Json { .. } | Protocol::Made(_) => b"{",
        }
    }

    /// Whether a stream's last event says that all is well.
    fn judge(&self, last: &str) -> Result<()> {
        let fine = match self.protocol {
            Protocol::Completions => last == "[DONE]",
            Protocol::Json { .. } | Protocol::Made(_) => last.starts_with('{') && last.ends_with('}'),
            Protocol::Widget(_) => {
                let frame: Value = serde_json::from_str(last).unwrap_or_default();
                frame["type"] == "done" && frame["answered"] == true && frame["degraded"] == false
            }
        };
        if fine { Ok(()) } else { Err(format!("a stream ended with {last:?}").into()) }
    }
}

/// A connection to a target.
pub struct Connection {
    target: Arc<Target>,
    sender: SendRequest<Full<Bytes>>,
    // Drives the connection, and ends with it.
    _driver: JoinSet<()>,
    body: Vec<u8>,
}

/// How long an answer took.
pub struct Answer {
    /// Until its first token.
    pub first_token: Duration,
    /// Until its end.
    pub whole: Duration,
}

impl Connection {
    /// Connects.
    pub async fn open(target: &Arc<Target>) -> Result<Self> {
        let stream = TcpStream::connect(target.addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What breaks a connection also fails the request on it.
            connection.await.ok();
        });
        Ok(Self { target: target.clone(), sender, _driver: driver, body: Vec::new() })
    }

    /// Asks the target's next question and reads the answer to its end.
    pub async fn ask(&mut self) -> Result<Answer> {
        let request = self.target.request()?;
        timeout(PATIENCE, self.answer(request)).await.map_err(|_| "an answer took too long")?
    }

    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let started = Instant::now();
        let mut first_token = None;
        self.body.clear();
        self.sender.ready().await?;
        let mut response = self.sender.send_request(request).await?;
        while let Some(frame) = response.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            self.body.extend_from_slice(&data);
            if first_token.is_none() && holds(&data, self.target.token()) {
                first_token = Some(started.elapsed());
            }
        }
        let whole = started.elapsed();
        let body = std::str::from_utf8(&self.body)?;
        if !response.status().is_success() {
            return Err(format!("the answer was {}: {body}", response.status()).into());
        }
        let last = body.trim_end().rsplit("data: ").next().unwrap_or_default();
        self.target.judge(last)?;
        Ok(Answer { first_token: first_token.ok_or("a stream had no token")?, whole })
    }
}

fn holds(data: &[u8], wanted: &[u8]) -> bool {
    data.windows(wanted.len()).any(|window| window == wanted)
}

/// How hard and how long.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Visitors at once.
    pub connections: usize,
    /// Before anything is counted.
    pub warm_up: Duration,
    /// What is counted.
    pub window: Duration,
}

/// What a load came to, in its window.
pub struct Outcome {
    window: Duration,
    /// Milliseconds of each good answer, sorted.
    pub latencies: Vec<f64>,
    /// Answers that were none.
    pub errors: usize,
    /// What was wrong with the first of them.
    pub first_error: Option<String>,
    /// The processor time of each process that was watched.
    pub cpu: Vec<(&'static str, Cpu)>,
}

impl Outcome {
    /// Good answers a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.window.as_secs_f64()
    }

    /// Processor time a good answer, in milliseconds, of all processes together: what bounds the rate, whatever
    /// else the machine does.
    pub fn cost(&self) -> f64 {
        self.cpu.iter().map(|(_, cpu)| self.each(cpu.user) + self.each(cpu.system)).sum()
    }

    /// The same of each process, in words.
    pub fn costs(&self) -> String {
        let costs = self.cpu.iter().map(|(name, cpu)| {
            let (user, system) = (self.each(cpu.user), self.each(cpu.system));
            format!("{name} {:.2} ms ({user:.2} user + {system:.2} kernel)", user + system)
        });
        costs.collect::<Vec<_>>().join(", ")
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e3 / self.latencies.len().max(1) as f64
    }
}

/// Asks over many connections at once, and watches what that costs the processes.
pub async fn run(target: &Arc<Target>, plan: Plan, watched: &[(&'static str, u32)]) -> Result<Outcome> {
    let from = Instant::now() + plan.warm_up;
    let until = from + plan.window;
    let mut visitors = JoinSet::new();
    for _ in 0..plan.connections {
        visitors.spawn(visit(target.clone(), from, until));
    }
    sleep(plan.warm_up).await;
    let before = cpu(watched)?;
    sleep(until.saturating_duration_since(Instant::now())).await;
    let cpu =
        cpu(watched)?.into_iter().zip(before).map(|((name, now), (_, then))| (name, now - then)).collect();
    let mut outcome =
        Outcome { window: plan.window, latencies: Vec::new(), errors: 0, first_error: None, cpu };
    while let Some(visit) = visitors.join_next().await {
        let visit = visit?;
        outcome.latencies.extend(visit.latencies);
        outcome.errors += visit.errors;
        outcome.first_error = outcome.first_error.or(visit.first_error);
    }
    outcome.latencies.sort_by(f64::total_cmp);
    Ok(outcome)
}

fn cpu(watched: &[(&'static str, u32)]) -> Result<Vec<(&'static str, Cpu)>> {
    watched.iter().map(|&(name, pid)| Ok((name, process::cpu(pid)?))).collect()
}

#[derive(Default)]
struct Visit {
    latencies: Vec<f64>,
    errors: usize,
    first_error: Option<String>,
}

/// One visitor: asks one question after the other, and counts the answers that end within the window.
async fn visit(target: Arc<Target>, from: Instant, until: Instant) -> Visit {
    let mut visit = Visit::default();
    let mut connection = None;
    while Instant::now() < until {
        let answer = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(&target).await,
        };
        let answer = match answer {
            Ok(mut open) => {
                let answer = open.ask().await;
                connection = answer.is_ok().then_some(open);
                answer
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) if (from..until).contains(&Instant::now()) => {
                visit.latencies.push(answer.whole.as_secs_f64() * 1e3);
            }
            Ok(_) => {}
            Err(error) => {
                visit.errors += 1;
                visit.first_error.get_or_insert(error.to_string());
                sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
    visit
}
