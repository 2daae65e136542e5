//! A directory of files that can be made anew at any time, each under a key.
//!
//! Writers put a whole file in place by renaming it, so readers see all of it or nothing, and of two writers of one key
//! the last one wins, with the same bytes. Where nothing can be written everything still works.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a cache may grow to unless somebody says otherwise, bytes: some hundred kernels.
const LIMIT: u64 = 1 << 30;
/// Longer keys are no build-ids.
const MAX_KEY: usize = 128;

/// A directory of files by key.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
    ending: &'static str,
    limit: u64,
}

/// A file in a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Its key.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When it was last written or used.
    pub used: SystemTime,
}

impl Cache {
    /// The user's cache of one kind of files: `$XDG_CACHE_HOME/ksplat/KIND`, else `~/.cache/ksplat/KIND`.
    ///
    /// Nothing where there is no home. Relative paths in the variable do not count (XDG Base Directory Specification).
    pub fn of_user(kind: &str, ending: &'static str) -> Option<Cache> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
        Some(Cache::in_dir(base.join("ksplat").join(kind), ending))
    }

    /// A cache in a directory, which is made when something is put there; its files end in `.ENDING`.
    pub fn in_dir(dir: PathBuf, ending: &'static str) -> Cache {
        Cache { dir, ending, limit: LIMIT }
    }

    /// The same with another limit, in bytes.
    pub fn limited_to(self, limit: u64) -> Cache {
        Cache { limit, ..self }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the file of a key is, if it is there; it counts as used.
    pub fn find(&self, key: &str) -> Option<PathBuf> {
        let path = self.path(key)?;
        let file = File::open(&path).ok()?;
        // Only for the order in which files are dropped; a cache that cannot be written stays as it is.
        let _ = file.set_modified(SystemTime::now());
        Some(path)
    }

    /// Puts a file in place, then drops what was used longest ago until the rest fits the limit.
    pub fn put(&self, key: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(key).ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(&self.dir)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(&path)?;
        self.prune_but(Some(&path))?;
        Ok(path)
    }

    /// The files, those that were used last first.
    pub fn list(&self) -> io::Result<Vec<Cached>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let is_own = path.extension().is_some_and(|ending| ending == self.ending);
            let key = path.file_stem().and_then(|stem| stem.to_str()).filter(|key| is_key(key));
            // Another process may have dropped it since.
            let (Some(key), true, Ok(metadata)) = (key, is_own, fs::symlink_metadata(&path)) else { continue };
            if metadata.is_file() {
                let (key, size, used) = (key.to_owned(), metadata.len(), metadata.modified()?);
                files.push(Cached { key, path, size, used });
            }
        }
        files.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
        Ok(files)
    }

    /// Drops what was used longest ago until the rest fits the limit; what was dropped.
    pub fn prune(&self) -> io::Result<Vec<Cached>> {
        self.prune_but(None)
    }

    fn prune_but(&self, kept: Option<&Path>) -> io::Result<Vec<Cached>> {
        let mut size = 0;
        let mut dropped = Vec::new();
        for file in self.list()? {
            size += file.size;
            if size > self.limit && Some(file.path.as_path()) != kept {
                match fs::remove_file(&file.path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => dropped.push(file),
                }
            }
        }
        Ok(dropped)
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        is_key(key).then(|| self.dir.join(format!("{key}.{}", self.ending)))
    }
}

/// Keys become names of files, so they are letters, digits, `-` and `_`.
fn is_key(key: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().expect("a directory for the test");
        let cache = Cache::in_dir(dir.path().join("deep/er"), "idx");
        (dir, cache)
    }

    #[test]
    fn what_was_put_is_found() {
        let (_dir, cache) = cache();
        assert_eq!(cache.find("ab12"), None);
        assert_eq!(cache.list().unwrap(), []);
        let path = cache.put("ab12", b"bytes").unwrap();
        assert_eq!(cache.find("ab12").as_ref(), Some(&path));
        assert_eq!(fs::read(path).unwrap(), b"bytes");
        cache.put("ab12", b"others").unwrap();
        let listed = cache.list().unwrap();
        assert_eq!(listed.iter().map(|file| (file.key.as_str(), file.size)).collect::<Vec<_>>(), [("ab12", 6)]);
    }

    #[test]
    fn keys_do_not_leave_the_directory() {
        let (_dir, cache) = cache();
        for key in ["", "../x", "a/b", "a.b", ".", "é", &"a".repeat(129)] {
            assert!(cache.put(key, b"").is_err() && cache.find(key).is_none(), "{key}");
        }
    }

    #[test]
    fn what_was_used_longest_ago_is_dropped() {
        let (_dir, cache) = cache();
        let cache = cache.limited_to(10);
        for (n, key) in ["a", "b", "c"].iter().enumerate() {
            let path = cache.put(key, b"1234").unwrap();
            let file = File::options().write(true).open(path);
            let then = SystemTime::now() - Duration::from_secs(100 - n as u64);
            if let Ok(file) = file {
                file.set_modified(then).unwrap();
            }
        }
        // The third one did not fit beside the others, and the first was the oldest.
        assert_eq!(cache.list().unwrap().iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["c", "b"]);
        cache.find("b");
        let small = cache.limited_to(5);
        assert_eq!(small.prune().unwrap().iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["c"]);
        // What is put now is kept even if it alone is too large.
        small.put("d", b"1234567890").unwrap();
        assert_eq!(small.list().unwrap().iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["d"]);
    }

    #[test]
    fn writers_do_not_meet() {
        let (_dir, cache) = cache();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| drop(cache.put("same", &[7; 10_000]).unwrap())));
            }
            for _ in 0..200 {
                if let Some(path) = cache.find("same") {
                    assert_eq!(fs::read(path).unwrap().len(), 10_000);
                }
            }
        });
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 1);
    }
}
