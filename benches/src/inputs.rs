//! What is measured on: the labelled logs as one archive, and a console on which nothing happens.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::trace::{Log, Rules};

/// A labelled log: its name, and the console text without headers and the expected report.
pub type Named = (String, Vec<u8>);

/// The labelled logs in the order of their names; a printed line and `None` where they are missing.
pub fn labelled(bench: &str) -> io::Result<Option<Vec<Named>>> {
    let Some(folder) = testkit::shared_or_skip(bench).map(|shared| shared.join("corpus/report")) else {
        return Ok(None);
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, testkit::unlabelled(fs::read(path)?)))
    };
    paths.iter().map(named).collect::<io::Result<_>>().map(Some)
}

/// The labelled logs, again and again, as members of one plain archive of so many bytes of logs; its path and those bytes.
pub fn archive(logs: &[Named], bytes: u64) -> io::Result<(PathBuf, u64)> {
    let path = folder()?.join("report.tar");
    let mut archive = tar::Builder::new(io::BufWriter::new(fs::File::create(&path)?));
    let mut written = 0;
    for round in 0.. {
        if written >= bytes || logs.is_empty() {
            break;
        }
        for (name, log) in logs {
            let mut header = tar::Header::new_ustar();
            header.set_size(log.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, format!("{round}/{name}"), &log[..])?;
            written += log.len() as u64;
        }
    }
    archive.into_inner()?.flush()?;
    Ok((path, written))
}

/// So many bytes of a console without a report: what the captured logs of this project say before something crashes.
pub fn quiet(bytes: usize) -> io::Result<Vec<u8>> {
    let folder = testkit::workspace_root().join("testdata/logs");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    let mut boots = Vec::new();
    for path in paths {
        let text = fs::read(path)?;
        let log = Log::parse(&text, Rules::Syzbot);
        let crash = log.splats().next().map_or(text.len(), |splat| splat.start);
        boots.extend_from_slice(&text[..crash]);
    }
    if boots.is_empty() {
        return Err(io::Error::other("testdata/logs holds no log"));
    }
    let mut text = boots.repeat(bytes.div_ceil(boots.len()));
    text.truncate(text[..bytes].iter().rposition(|b| *b == b'\n').map_or(bytes, |at| at + 1));
    Ok(text)
}

/// Where inputs are written: the cache, as `testdata/lab/packages` has it.
pub fn folder() -> io::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("KSPLAT_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("ksplat")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/ksplat")))
        .ok_or_else(|| io::Error::other("neither KSPLAT_CACHE nor HOME is set"))?;
    let folder = cache.join("bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
