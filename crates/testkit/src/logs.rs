//! The logs that tests read: our own, and those with labels in `../shared`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::places::{shared_or_skip, workspace_root};

/// A log and its name in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The path, below the folder that it comes from.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// All logs of `testdata/reports` and `testdata/logs`, by name.
pub fn logs() -> Vec<Log> {
    let root = workspace_root().join("testdata");
    let mut paths = [files(&root.join("reports")), files(&root.join("logs"))].concat();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    assert!(!paths.is_empty(), "a repository without logs tests nothing");
    paths.iter().map(|path| Log { name: below(path, &root), bytes: read(path) }).collect()
}

/// The logs of `../shared/corpus/report` without their labels, by name; none, and a line that names the test, where it
/// is missing.
pub fn labelled_logs(test: &str) -> Vec<Log> {
    let Some(shared) = shared_or_skip(test) else { return Vec::new() };
    let folder = shared.join("corpus/report");
    let paths = files(&folder);
    assert!(!paths.is_empty(), "an empty corpus tests nothing");
    paths.iter().map(|path| Log { name: below(path, &folder), bytes: unlabelled(read(path)) }).collect()
}

/// All files below a folder, sorted; none where there is no folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for path in entries.map(|entry| entry.expect("a readable folder").path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The log of a labelled file: what stands behind the header and before the expected report, without carriage returns.
pub fn unlabelled(mut file: Vec<u8>) -> Vec<u8> {
    file.retain(|&b| b != b'\r');
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|w| w == what);
    let start = if file.starts_with(b"\n") { 1 } else { find(&file, b"\n\n").map_or(file.len(), |at| at + 2) };
    let rest = &file[start..];
    let mut log = find(rest, b"\n\nREPORT:\n").map_or(rest, |at| &rest[..at + 2]).to_vec();
    if !log.ends_with(b"\n") {
        log.push(b'\n');
    }
    log
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn below(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_cut_off() {
        let log = |file: &str| String::from_utf8(unlabelled(file.as_bytes().to_vec())).unwrap();
        assert_eq!(log("TITLE: x\nTYPE: y\n\na\r\n\nb\n\n\nREPORT:\nb\n"), "a\n\nb\n\n\n");
        assert_eq!(log("\na"), "a\n");
        assert_eq!(log("TITLE: x"), "\n");
    }

    #[test]
    fn own_logs_are_there() {
        let logs = logs();
        assert!(logs.iter().any(|log| log.name == "reports/oops/null-deref.log"));
        assert!(logs.iter().any(|log| log.name == "logs/bug.log" && !log.bytes.is_empty()));
    }
}
