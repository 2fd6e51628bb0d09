//! A server under test: how it is set up, started, watched and stopped.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{Bench, Result, api};

/// How often a starting server is asked whether it is well.
const POLL: Duration = Duration::from_millis(2);
/// How long anything about a server's start or stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a server's vectors come from.
#[derive(Clone, Copy)]
pub enum Embedding {
    /// From the stand-in.
    StandIn(SocketAddr),
    /// From the model in the process.
    Model,
    /// There are none: words alone.
    None,
}

impl Embedding {
    /// In a sentence after "with".
    pub fn name(self) -> &'static str {
        match self {
            Self::StandIn(_) => "the stand-in's embeddings",
            Self::Model => "the model in the process",
            Self::None => "no model",
        }
    }

    /// What the log says when the embeddings are there, or certain not to be.
    fn sign(self) -> &'static str {
        match self {
            Self::StandIn(_) => "listening on",
            Self::Model => "the embedding model is loaded",
            Self::None => "matching by words alone",
        }
    }
}

/// How a server is set up.
#[derive(Clone)]
pub struct Setup {
    /// Its data folder.
    pub data: PathBuf,
    /// Where vectors come from.
    pub embedding: Embedding,
    /// Other settings, by the names of their variables.
    pub settings: Vec<(&'static str, String)>,
}

impl Setup {
    /// A setup without other settings; without a language model it quotes.
    pub fn new(data: PathBuf, llm: Option<SocketAddr>, embedding: Embedding) -> Self {
        let setup = Self { data, embedding, settings: Vec::new() };
        match llm {
            Some(addr) => setup.with_model(format!("http://{addr}/v1")),
            None => setup,
        }
    }

    /// The same with a language model whose server is at an address.
    pub fn with_model(mut self, url: String) -> Self {
        self.settings.extend([("FRONTDESK_LLM_BASE_URL", url), ("FRONTDESK_LLM_MODEL", "stand-in".into())]);
        self
    }

    /// The program with this setup in its environment and no other setting.
    fn command(&self, bench: &Bench) -> Result<Command> {
        let mut command = Command::new(&bench.server);
        command.env_clear().current_dir(&self.data).stdin(Stdio::null()).kill_on_drop(true);
        for kept in ["HOME", "XDG_CACHE_HOME", "PATH"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command
            .env("FRONTDESK_DATA_DIR", &self.data)
            .envs(self.settings.iter().map(|(name, value)| (*name, value)));
        match self.embedding {
            Embedding::StandIn(addr) => {
                command.env("FRONTDESK_EMBEDDING_BASE_URL", format!("http://{addr}/v1"));
                command.env("FRONTDESK_EMBEDDING_MODEL", "stand-in");
            }
            Embedding::Model => {
                command.envs(bench.model_dir.as_ref().map(|dir| ("FRONTDESK_MODEL_DIR", dir)));
            }
            Embedding::None => {
                let empty = bench.folder.join("empty");
                fs::create_dir_all(&empty)?;
                command.env("FRONTDESK_MODEL_DIR", empty);
            }
        }
        Ok(command)
    }

    /// Makes the owner and the workspace in the data folder; gives the workspace's id.
    pub async fn create_owner(&self, bench: &Bench) -> Result<String> {
        fs::create_dir_all(&self.data)?;
        let mut command = self.command(bench)?;
        command.args([
            "admin",
            "create-user",
            "--email",
            api::EMAIL,
            "--name",
            "Owner",
            "--workspace",
            "Bench",
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().ok_or("the program has no standard input")?;
        input.write_all(api::PASSWORD.as_bytes()).await?;
        drop(input);
        let output = timeout(PATIENCE, child.wait_with_output()).await??;
        if !output.status.success() {
            return Err(format!("create-user failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let ids = String::from_utf8(output.stdout)?;
        Ok(ids.lines().last().ok_or("create-user printed no workspace")?.to_owned())
    }
}

/// A running server. It is killed when this is dropped.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub addr: SocketAddr,
    /// How long it took until it was well.
    pub started_in: Duration,
}

impl Server {
    /// Starts a server and waits until it is well.
    pub async fn start(bench: &Bench, setup: &Setup) -> Result<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = setup.data.join("server.log");
        let mut command = setup.command(bench)?;
        command.arg("serve").env("FRONTDESK_LISTEN", addr.to_string());
        command.stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let started = Instant::now();
        let mut server = Self { child: command.spawn()?, log, addr, started_in: Duration::ZERO };
        let health = format!("http://{addr}/api/v1/health");
        while !bench.http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
            if server.child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
                return Err(format!("the server did not start: {}", fs::read_to_string(&server.log)?).into());
            }
            sleep(POLL).await;
        }
        server.started_in = started.elapsed();
        Ok(server)
    }

    /// Waits until the server has its embeddings.
    pub async fn loaded(&self, embedding: Embedding) -> Result<()> {
        let started = Instant::now();
        while !fs::read_to_string(&self.log)?.contains(embedding.sign()) {
            if started.elapsed() > PATIENCE {
                let log = fs::read_to_string(&self.log)?;
                return Err(format!("the server lacks {}: {log}", embedding.name()).into());
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Stops it as an operator does, so that its database is whole.
    pub async fn stop(mut self) -> Result<()> {
        let pid = Pid::from_raw(self.pid().cast_signed()).ok_or("the server has ended by itself")?;
        kill_process(pid, Signal::TERM)?;
        let status = timeout(PATIENCE, self.child.wait()).await??;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
