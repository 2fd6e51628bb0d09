//! Processes: the bench's own helpers, and what Linux tells of any process below `/proc` (see `proc(5)`).

use std::{fs, net::SocketAddr, ops::Sub, process::Stdio, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Error, Result};

/// `/proc` counts time in ticks, on Linux of a hundredth of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A helper that runs as a process of its own. It ends when this is dropped.
pub struct Helper {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Helper {
    /// Starts this program as the helper that the arguments name.
    pub async fn start(args: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("the helper has no standard output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let addr = line.ok_or("the helper ended at once")?.parse()?;
        Ok(Self { child, addr })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }
}

/// Processor time.
#[derive(Clone, Copy)]
pub struct Cpu {
    /// In the program itself.
    pub user: Duration,
    /// In the kernel on its behalf.
    pub system: Duration,
}

impl Sub for Cpu {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }
}

/// The processor time that a process has had so far.
pub fn cpu(pid: u32) -> Result<Cpu> {
    let stat = Stat::read(pid).ok_or_else(|| Error::from(format!("process {pid} is gone")))?;
    Ok(Cpu { user: TICK * stat.number(14)?, system: TICK * stat.number(15)? })
}

/// The processor time of a process's children that have ended.
pub fn children(pid: u32) -> Result<Duration> {
    let stat = Stat::read(pid).ok_or_else(|| Error::from(format!("process {pid} is gone")))?;
    Ok(TICK * (stat.number(16)? + stat.number(17)?))
}

/// The processor time of this thread, to the nanosecond. (`/proc` has it to the scheduler's tick.)
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The processor time of this process with all of its threads, to the nanosecond.
pub fn own_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The memory that a process holds, in bytes: `VmRSS`.
pub fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The processes that a process has started, and those that these have.
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let child = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((child, Stat::read(child)?.number(4).ok()?))
        })
        .collect();
    let mut family = vec![pid];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at];
        family.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(child, _)| *child));
        at += 1;
    }
    family.split_off(1)
}

/// The fields of `/proc/PID/stat` that come after the program's name, which may hold blanks.
struct Stat(String);

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self(line.rsplit_once(") ")?.1.to_owned()))
    }

    /// A field by its number in `proc(5)`, from 3.
    fn number(&self, field: usize) -> Result<u32> {
        Ok(self.0.split(' ').nth(field - 3).ok_or("/proc/PID/stat has too few fields")?.parse()?)
    }
}

/// What the figures were measured on.
pub fn machine() -> String {
    let value = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.split_once(':').map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kb: u64 = value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    format!("{}, {cores} cores, {} GB", value("/proc/cpuinfo", "model name"), kb.div_ceil(1 << 20))
}

/// How many processes wanted a core in the last minute: whether the machine was ours alone.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
