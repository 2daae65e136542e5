//! Commits of a git repository, by the `git` program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bisect::GitFacts;

/// A longer patch is cut (bytes): what it touches is plain by then.
const LONGEST: u64 = 32 << 20;

/// A repository that git can read.
#[derive(Debug)]
pub struct Repository {
    directory: PathBuf,
}

impl Repository {
    /// Asks git whether there is a repository; its name and the reason where there is none.
    pub fn open(directory: &Path) -> Result<Repository, (PathBuf, &'static str)> {
        let repository = Repository { directory: directory.to_owned() };
        let status = repository.git().args(["rev-parse", "--git-dir"]).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(repository),
            Ok(_) => Err((repository.directory, "git finds no repository there")),
            Err(_) => Err((repository.directory, "the git program cannot be run")),
        }
    }

    /// What the repository says of a commit; nothing where it does not have it, and of merges, which have no patch of
    /// their own.
    pub fn commit(&self, hash: &str) -> GitFacts {
        self.patch(hash).map_or_else(GitFacts::default, |patch| GitFacts::of_patch(&patch))
    }

    /// The patch of a commit, if git shows one.
    fn patch(&self, hash: &str) -> Option<String> {
        // A log may say anything; only a hash is an argument.
        if hash.len() < 7 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut child = self
            .git()
            .args(["show", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--unified=0"])
            .args(["--format=", "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", hash, "--"])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut patch = Vec::new();
        let read = child.stdout.take()?.take(LONGEST).read_to_end(&mut patch);
        // The pipe is closed: a git that had more to say ends, too.
        let status = child.wait().ok()?;
        let is_whole = status.success() || patch.len() as u64 == LONGEST;
        (read.is_ok() && is_whole).then(|| String::from_utf8_lossy(&patch).into_owned())
    }

    /// Git without what a repository or a user could make it do: fetch, ask, page, start other programs.
    fn git(&self) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.directory)
            .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-pager"])
            .envs([
                ("LC_ALL", "C"),
                ("GIT_NO_LAZY_FETCH", "1"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_TERMINAL_PROMPT", "0"),
            ])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}
