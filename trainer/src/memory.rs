//! How much memory is free, so that caches do not take the machine down.

/// Taken for granted where the system cannot be asked.
const FALLBACK_BYTES: u64 = 8 << 30;

/// Bytes that can still be used: the system's estimate, or what the container leaves if that is less.
pub fn available() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let system = read("/proc/meminfo")
        .and_then(|text| meminfo_available(&text))
        .unwrap_or(FALLBACK_BYTES);
    let number = |path: &str| read(path).and_then(|text| text.trim().parse::<u64>().ok());
    match (
        number("/sys/fs/cgroup/memory.max"),
        number("/sys/fs/cgroup/memory.current"),
    ) {
        (Some(limit), Some(used)) => system.min(limit.saturating_sub(used)),
        _ => system,
    }
}

/// Most bytes of memory that this process has held so far, where the system says.
pub fn peak() -> Option<u64> {
    kilobytes(
        &std::fs::read_to_string("/proc/self/status").ok()?,
        "VmHWM:",
    )
}

fn meminfo_available(text: &str) -> Option<u64> {
    kilobytes(text, "MemAvailable:")
}

/// The number of a line such as `MemAvailable:   21000000 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_meminfo() {
        let text = "MemTotal:       24000000 kB\nMemFree: 1 kB\nMemAvailable:   21000000 kB\n";
        assert_eq!(meminfo_available(text), Some(21_000_000 << 10));
        assert_eq!(meminfo_available("MemTotal: 1 kB"), None);
        assert!(available() > 0);
    }
}
