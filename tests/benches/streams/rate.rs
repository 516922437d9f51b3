//! What a run uses: time, processor time, memory.

use std::time::{Duration, Instant};

/// The time of the processor that this process has used, if the system tells; in steps of 10 ms.
pub(crate) fn processor() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// The memory that this process has now, in bytes.
pub(crate) fn memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}

/// How fast something was: per second, and per second of processor time.
pub(crate) struct Rate {
    pub(crate) wall: f64,
    processor: Option<f64>,
}

impl Rate {
    /// Per second of processor time, or of time if the system does not tell.
    pub(crate) fn per_processor(&self) -> f64 {
        self.processor.unwrap_or(self.wall)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:>9.0} / s", self.wall)?;
        self.processor.map_or(Ok(()), |rate| write!(formatter, ", {rate:>9.0} per second of processor time"))
    }
}

pub(crate) async fn measured(count: usize, work: impl Future<Output = ()>) -> Rate {
    let (before, began) = (processor(), Instant::now());
    work.await;
    let wall = count as f64 / began.elapsed().as_secs_f64();
    let used = before.zip(processor()).map(|(before, after)| after.saturating_sub(before).as_secs_f64());
    Rate { wall, processor: used.filter(|used| *used > 0.0).map(|used| count as f64 / used) }
}
