//! What a commit and a crash report have in common: files, directories and names.

use crate::{
    log::{Culprit, Log},
    words::{function, telling_words, words},
};
use std::collections::BTreeSet;

/// Lines of a report that are looked at: its first traces. The rest is other tasks.
const REPORT_LINES: usize = 400;
/// Files of a report that are compared: those of its first frames.
const FILES: usize = 25;
/// Files of a report that say where it crashed.
const NEAREST: usize = 4;

/// How much of a report a commit accounts for; each from 0 (nothing) to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overlap {
    /// The deepest common path of a file that the commit touches and one that the report names.
    pub(crate) files: f64,
    /// Half for a word of the crashed function in the commit's title or the name of one of its files, half for a
    /// function of the report in the commit's message, or among those that it touches. A message with several of them
    /// describes a crash like this one: it is as often the fix of that as the cause of this.
    pub(crate) names: f64,
    /// Whether the first half is there.
    pub(crate) titled: bool,
    /// Whether the commit touches a function of the report.
    pub(crate) touches: bool,
    /// The share of the report's nearest files that belong to networking.
    pub(crate) busy: f64,
    /// Functions of the report that the commit's title and message name.
    pub(crate) mentioned: usize,
    /// The report's nearest files, and the lines of the log that name them first.
    pub(crate) nearest: Vec<(usize, String)>,
}

/// A function of a report, its source file, and the line of the report, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located<'r> {
    pub(crate) function: &'r str,
    pub(crate) path: &'r str,
    pub(crate) line: usize,
}

/// Compares a culprit with the report at the end of its log and the titles of the original crash.
pub(crate) fn overlap(
    log: &Log<'_>,
    culprit: &Culprit<'_>,
    files: &[&str],
    touched: &[String],
    originals: &BTreeSet<&str>,
) -> Overlap {
    let report = log.report();
    let frames = frames(&report);
    let (mut paths, mut lines): (Vec<&str>, Vec<usize>) = (Vec::new(), Vec::new());
    for Located { path, line, .. } in &frames {
        if !is_helper(path) && !path.starts_with("include") && !paths.contains(path) && paths.len() < FILES {
            paths.push(path);
            lines.push(log.report_line(*line));
        }
    }
    let subsystem: BTreeSet<String> = culprit
        .title
        .rsplit_once(':')
        .map(|(before, _)| words(before).filter(|word| word != "fix").flat_map(aliases).collect())
        .unwrap_or_default();
    let named = |path: &str| words(path).any(|word| subsystem.contains(&word));

    let deepest = paths.iter().flat_map(|path| files.iter().map(|file| depth(file, path))).fold(0.0, f64::max);
    // Git's raw form names directories only; the title has to say the rest.
    let directories_only = culprit.changed.is_none() && !files.is_empty();
    let near =
        if directories_only { 0.25 + if paths.iter().any(|path| named(path)) { 0.75 } else { 0.0 } } else { deepest };

    let crash = log.crash.as_ref().map_or("", |crash| function(&crash.title));
    let functions: String = originals.iter().map(|title| function(title)).chain([crash]).collect::<Vec<_>>().join(" ");
    let stems = files.iter().filter_map(|file| stem(file));
    let titled = !telling_words(&culprit.title).is_disjoint(&telling_words(&functions))
        || stems.into_iter().any(|stem| stem.len() > 3 && functions.contains(&stem));
    let functions: BTreeSet<&str> =
        frames.iter().map(|located| located.function).filter(|name| name.contains('_')).collect();
    let message = [&culprit.title].into_iter().chain(&culprit.message).flat_map(|line| identifiers(line));
    let mentioned = message.filter(|word| functions.contains(word)).collect::<BTreeSet<_>>().len();
    let touches = touched.iter().any(|name| functions.contains(name.as_str()));
    let nearest = &paths[..paths.len().min(NEAREST)];
    let networking = nearest.iter().filter(|path| path.starts_with("net/")).count();
    Overlap {
        files: (near + if deepest >= 1.0 { 1.0 } else { 0.0 }) / 2.0,
        titled,
        touches,
        names: if titled { 0.5 } else { 0.0 } + if mentioned == 1 || touches { 0.5 } else { 0.0 },
        busy: networking as f64 / nearest.len().max(1) as f64,
        mentioned,
        nearest: lines.into_iter().zip(nearest.iter().map(|path| (*path).to_owned())).collect(),
    }
}

/// Functions and source files of a report with locations, `func+0x1/0x2 dir/file.c:12`, in order.
pub(crate) fn frames(report: &str) -> Vec<Located<'_>> {
    let mut frames = Vec::new();
    for (line, text) in report.lines().take(REPORT_LINES).enumerate() {
        let mut before = "";
        for token in text.split_whitespace() {
            if let (Some(path), Some(function)) = (path_of(token), function_of(before)) {
                frames.push(Located { function, path, line });
                break;
            }
            before = token;
        }
    }
    frames
}

/// The path of `./dir/file.c:12`.
fn path_of(token: &str) -> Option<&str> {
    let (path, line) = token.split_once(':')?;
    let known = [".c", ".h", ".S"].iter().any(|end| path.ends_with(end));
    (known && line.starts_with(|c: char| c.is_ascii_digit())).then(|| path.trim_start_matches("./"))
}

/// The plain name of `0010:func.isra.0+0x1/0x2`.
fn function_of(token: &str) -> Option<&str> {
    let name = token.rsplit([':', ']']).next()?.split('+').next()?.split('.').next()?;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).then_some(name)
}

/// The share of a report's path that a commit's file has in common; git cuts long paths to `.../end`.
fn depth(file: &str, path: &str) -> f64 {
    let parts = path.split('/').count() as f64;
    let common = match file.strip_prefix(".../") {
        Some(end) if path.ends_with(end) => parts + 1.0,
        Some(end) => match end.rsplit_once('/') {
            Some((directory, _)) if path.contains(directory) => directory.split('/').count() as f64,
            _ => 0.0,
        },
        None if file == path => parts + 1.0,
        None => file.split('/').zip(path.split('/')).take_while(|(a, b)| a == b).count() as f64,
    };
    (common / (parts + 1.0)).min(1.0)
}

/// The name of a C file as a part of function names.
fn stem(file: &str) -> Option<String> {
    let name = file.rsplit('/').next()?;
    let name = [".c", ".h", ".S"].iter().find_map(|end| name.strip_suffix(end))?;
    Some(name.to_ascii_lowercase().replace('-', "_"))
}

/// The identifiers of a line.
fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// A word of a title and what its directory is called.
fn aliases(word: String) -> Vec<String> {
    let other = match word.as_str() {
        "wifi" => "wireless",
        "alsa" => "sound",
        "ovl" => "overlayfs",
        "nft" => "netfilter",
        _ => return vec![word],
    };
    vec![word, other.to_owned()]
}

/// Whether a file is one of those that stand in the traces of every bug.
fn is_helper(path: &str) -> bool {
    HELPERS.iter().any(|prefix| path.starts_with(prefix))
}

/// Files of reporting, allocating, locking, tracing and entering the kernel.
#[rustfmt::skip]
const HELPERS: &[&str] = &[
    "arch/x86/entry", "arch/x86/include/asm", "arch/x86/kernel/dumpstack", "arch/x86/kernel/traps", "arch/x86/lib", "arch/x86/mm/fault",
    "include/", "kernel/hung_task", "kernel/kthread", "kernel/locking/lockdep", "kernel/panic", "kernel/rcu", "kernel/softirq",
    "kernel/watchdog", "kernel/workqueue", "lib/debugobjects", "lib/dump_stack", "lib/list_debug", "lib/refcount", "lib/string",
    "lib/ubsan", "lib/usercopy", "mm/kasan/", "mm/kfence", "mm/kmemleak", "mm/kmsan", "mm/page_alloc", "mm/slab", "mm/slob", "mm/slub",
    "mm/util", "net/socket.c",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_with_their_files() {
        let report = "RIP: 0010:list_lru_add+0x1/0x2 mm/list_lru.c:127\n lookup_slow fs/namei.c:1774 [inline]\n \
                      walk.part.40+0x684/0xef0 ./fs/walk.h:1915\n ? do_exit+0x206f/0x2a10 kernel/exit.c:824\nno frame.c:12x";
        let want = [
            ("list_lru_add", "mm/list_lru.c", 0),
            ("lookup_slow", "fs/namei.c", 1),
            ("walk", "fs/walk.h", 2),
            ("do_exit", "kernel/exit.c", 3),
        ];
        assert_eq!(frames(report)[..4], want.map(|(function, path, line)| Located { function, path, line }));
    }

    #[test]
    fn depth_counts_common_directories() {
        assert_eq!(depth("net/ipv4/tcp.c", "net/ipv4/tcp.c"), 1.0);
        assert_eq!(depth("net/ipv4/udp.c", "net/ipv4/tcp.c"), 0.5);
        assert_eq!(depth(".../ipv4/tcp.c", "net/ipv4/tcp.c"), 1.0);
        assert_eq!(depth("mm/slub.c", "net/ipv4/tcp.c"), 0.0);
    }
}
