//! The guilty file: the source file that a symbolized report points at.
//!
//! The rules are syzkaller's (pkg/report/linux.go, `extractGuiltyFile`): the first file that is no bystander, or one
//! further down the trace that lies in a folder below that file's own.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use trace::shape::Shape;
use trace::{Entry, Marks, Splat};

use crate::list::List;
use crate::title::Title;

/// Files that are not guilty.
static FILES: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/guilty_file.txt")));
/// Lines whose file is not guilty.
static LINES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let lines = include_str!("blame/guilty_line.txt").lines().map(str::trim_end);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Shape::new).collect()
});

/// What a stalled CPU ran stands below these: above are the frames of the interrupt that noticed the stall.
static INTERRUPTED: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["apic_timer_interrupt+0x", "el1h_64_irq+0x", "Exception stack"].map(Finder::new));

/// The guilty file of a report with these lines, which have no prefixes and name their source files: `fs/inode.c:12`.
///
/// ```
/// let lines = [" dump_stack+0x1/0x2 lib/dump_stack.c:16", " f+0x1/0x2 fs/inode.c:12"];
/// let file = signature::guilty_file("WARNING in f", lines.iter().map(|line| line.as_bytes()));
/// assert_eq!(file.as_deref(), Some("fs/inode.c"));
/// ```
pub fn guilty_file<'t>(title: &str, lines: impl Iterator<Item = &'t [u8]> + Clone) -> Option<String> {
    if is_stall(title) {
        let below = |text: &Finder<'_>| {
            let mut rest = lines.clone();
            let first = rest.find_map(|line| text.find(line).map(|at| &line[at..]))?;
            in_lines(std::iter::once(first).chain(rest))
        };
        if let Some(file) = INTERRUPTED.iter().find_map(below) {
            return Some(file);
        }
    }
    in_lines(lines)
}

impl Title {
    /// The guilty file of the splat that this is the title of, where the console has a symbolized report.
    pub fn guilty_file(&self, splat: &Splat<'_>) -> Option<String> {
        let names_a_file = |entry: &Entry<'_>| entry.marks.any(Marks::SOURCE);
        splat.lines.iter().find(|entry| names_a_file(entry))?;
        // Lines without a file matter where they say which files count.
        let is_stall = is_stall(&self.title);
        let lines = splat.lines.iter().filter(|entry| is_stall || names_a_file(entry));
        guilty_file(&self.title, lines.map(|entry| entry.line.body))
    }
}

fn is_stall(title: &str) -> bool {
    title.starts_with("INFO: rcu detected stall")
}

fn in_lines<'t>(lines: impl Iterator<Item = &'t [u8]>) -> Option<String> {
    let mut files = lines.filter_map(|line| Some((line, source_file(line)?)));
    let is_guilty =
        |(line, file): &(&[u8], &str)| !FILES.names(file) && !LINES.iter().any(|shape| shape.find(line).is_some());
    let first = files.next()?;
    let Some((_, file)) = Some(first).into_iter().chain(&mut files).find(is_guilty) else {
        return Some(first.1.to_owned());
    };
    let mut guilty = cleaned(file);
    for (_, file) in files.filter(is_guilty) {
        let file = cleaned(file);
        let folder = folder(&guilty);
        let below = file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        if !folder.is_empty() && below.is_some_and(|rest| rest.contains('/')) {
            guilty = file;
        }
    }
    Some(guilty)
}

/// The first source file that a line names with a line number.
fn source_file(line: &[u8]) -> Option<&str> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    memchr::memchr_iter(b'.', line).find_map(|dot| {
        let (path, colon) = (&line[..dot], dot + 2);
        let [b'c' | b'h', b':', b'0'..=b'9', ..] = line[dot + 1..] else { return None };
        if !path.last().is_some_and(is_name) {
            return None;
        }
        let length = path.iter().rev().take_while(|b| is_name(b) || b"./".contains(b)).count();
        std::str::from_utf8(&line[path.len() - length..colon]).ok()
    })
}

/// The folder of a cleaned path, without a slash behind it.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path without `.`, `..` and double slashes, as far as that can be known from the path alone.
fn cleaned(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    format!("{}{}", if rooted { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guilty(text: &str) -> Option<String> {
        guilty_file("BUG: x", text.lines().map(str::as_bytes))
    }

    #[test]
    fn lines_name_source_files() {
        for (line, want) in [
            (" f+0x1/0x2 fs/inode.c:12 [inline]", Some("fs/inode.c")),
            ("./include/linux/fs.h:1", Some("./include/linux/fs.h")),
            ("a.c: b.c:1", Some("b.c")),
            ("x:y.c:7 z.c:8", Some("y.c")),
            ("/.c:1 .c:2 c:3 x.c:", None),
            ("é.c:1 é/x.c:1", Some("/x.c")),
            ("a.c.c:1", Some("a.c.c")),
            ("x.rs:1", None),
            ("", None),
        ] {
            assert_eq!(source_file(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn bystanders_are_not_guilty_unless_there_is_nobody_else() {
        assert_eq!(guilty("lib/a.c:1\nfs/b.c:2\nnet/c.c:3"), Some("fs/b.c".into()));
        assert_eq!(guilty("lib//a.c:1\nlib/b.c:2"), Some("lib//a.c".into()));
        assert_eq!(guilty("lib/a.c:1\nlib/b.c:2"), Some("lib/a.c".into()));
        assert_eq!(guilty("nothing"), None);
    }

    #[test]
    fn some_lines_blame_nobody() {
        for line in [
            "hardirqs last  enabled at (1): f+0x1/0x2 fs/x.c:1",
            "softirqs last disabled at (1): f+0x1/0x2 fs/x.c:1",
            "((&lock)){+.+.}, at: f+0x1/0x2 fs/x.c:1",
            " #0: fs/x.c:1",
            "Register r12 information: fs/x.c:1",
        ] {
            assert_eq!(guilty(&format!("{line}\nnet/y.c:2")), Some("net/y.c".into()), "{line}");
            assert_eq!(guilty(&format!("{line}\nlib/y.c:2")), Some("fs/x.c".into()), "{line}");
        }
    }

    #[test]
    fn a_file_further_below_is_guiltier() {
        assert_eq!(guilty("net/a.c:1\nnet/b.c:1\nnet/x/c.c:1\nnet/d.c:1\nnet/x/y/e.c:1"), Some("net/x/y/e.c".into()));
        assert_eq!(guilty("net/a.c:1\nnetx/y/b.c:1"), Some("net/a.c".into()));
        assert_eq!(guilty("a.c:1\nx/y/b.c:1"), Some("a.c".into()));
        assert_eq!(guilty("net/./x/../a.c:1"), Some("net/a.c".into()));
    }

    #[test]
    fn a_stall_is_looked_at_below_the_interrupt() {
        let text = "kernel/x.c:1\n apic_timer_interrupt+0x1/0x2 lib/a.c:1\nfs/b.c:2";
        let lines = || text.lines().map(str::as_bytes);
        assert_eq!(guilty_file("INFO: rcu detected stall in f", lines()), Some("fs/b.c".into()));
        assert_eq!(guilty_file("BUG: f", lines()), Some("kernel/x.c".into()));
        let without = || "kernel/x.c:1\nel1h_64_irq+0x1".lines().map(str::as_bytes);
        assert_eq!(guilty_file("INFO: rcu detected stall in f", without()), Some("kernel/x.c".into()));
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, want) in [("/../a//b/./c", "/a/b/c"), ("../../a", "../../a"), ("a/..", ""), ("a/../../b", "../b")] {
            assert_eq!(cleaned(path), want);
        }
    }
}
