//! What libFuzzer says of a run.

/// A run in numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Log {
    executions: u64,
    per_second: u64,
    /// Edges of the control flow: those of the seeds, and all in the end.
    edges: (u64, u64),
    /// Inputs that reach what no other reaches.
    inputs: u64,
    /// Resident memory at most, in megabytes.
    memory: u64,
}

impl Log {
    pub(super) const TITLE: &str =
        "target              executions  per second  edges: seeds  in the end  inputs  MB at most";

    /// Reads the lines that libFuzzer writes.
    pub(super) fn read(text: &str) -> Option<Self> {
        let line = |word: &str| text.lines().find(|line| line.split_whitespace().nth(1) == Some(word));
        let (seeds, end) = (line("INITED")?, line("DONE")?);
        let total = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value?.trim().parse().ok()
        };
        Some(Self {
            executions: total("stat::number_of_executed_units")?,
            per_second: total("stat::average_exec_per_sec")?,
            edges: (after(seeds, "cov:")?, after(end, "cov:")?),
            inputs: after(end, "corp:")?,
            memory: total("stat::peak_rss_mb")?,
        })
    }

    /// As a line below the title.
    pub(super) fn line(&self, name: &str) -> String {
        let Self { executions, per_second, edges: (seeds, end), inputs, memory } = self;
        format!(
            "{name:<18}  {executions:>10}  {per_second:>10}  {seeds:>12}  {end:>10}  {inputs:>6}  {memory:>10}"
        )
    }
}

/// The number behind a word, up to the first character of another kind.
fn after(line: &str, word: &str) -> Option<u64> {
    let value = line.split_whitespace().skip_while(|found| *found != word).nth(1)?;
    let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Log;

    const TEXT: &str = "INFO: seed corpus: files: 122 min: 27b max: 3000b total: 200000b rss: 40Mb\n\
        #123\tINITED cov: 4567 ft: 8901 corp: 98/76Kb exec/s: 0 rss: 50Mb\n\
        #4096\tpulse  cov: 4600 ft: 9000 corp: 99/77Kb lim: 3000 exec/s: 2048 rss: 51Mb\n\
        #60000\tDONE   cov: 5000 ft: 9999 corp: 150/99Kb lim: 3000 exec/s: 983 rss: 60Mb\n\
        Done 60000 runs in 61 second(s)\n\
        stat::number_of_executed_units: 60000\n\
        stat::average_exec_per_sec:     983\n\
        stat::peak_rss_mb:              60\n";

    #[test]
    fn a_run_is_read_from_what_libfuzzer_writes() {
        let log = Log { executions: 60_000, per_second: 983, edges: (4567, 5000), inputs: 150, memory: 60 };
        assert_eq!(Log::read(TEXT), Some(log));
        assert_eq!(
            Log::read(TEXT.split_once("#60000").unwrap().0),
            None,
            "a run that broke off has no numbers"
        );
    }
}
