//! Words of titles, functions and paths, and how alike two crash titles are.

use signature::CrashType;
use std::collections::BTreeSet;

/// The words of a text in lower case: letters and digits, two or more.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1).map(str::to_ascii_lowercase)
}

/// The words that tell one part of the kernel from another.
pub(crate) fn telling_words(text: &str) -> BTreeSet<String> {
    words(text).filter(|word| !COMMON.contains(&word.as_str())).collect()
}

/// The function that a crash title names, empty if it names none.
pub(crate) fn function(title: &str) -> &str {
    let Some((_, after)) = title.split_once(" in ") else { return "" };
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !"_./:".contains(c)).unwrap_or(after.len());
    &after[..end.min(LONGEST)]
}

/// Names are cut here (bytes): the kernel's own limit for a symbol.
const LONGEST: usize = 512;

/// Types of crashes that name whoever waited, not who is to blame: one bug has many such titles.
const WAITING: &[&str] = &["HANG", "NO_OUTPUT", "LOST_CONNECTION", "REBOOT"];

/// How alike two crashes in one function are.
pub(crate) const SAME_FUNCTION: f64 = 0.8;

/// How alike two crashes are, from 0 to 1, by their titles.
pub(crate) fn likeness(a: &str, b: &str) -> f64 {
    let functions = (function(a), function(b));
    let types = (CrashType::of_title(a), CrashType::of_title(b));
    let waits = |kind: Option<CrashType>| kind.is_some_and(|kind| WAITING.contains(&kind.name()));
    if a == b {
        1.0
    } else if !functions.0.is_empty() && functions.0 == functions.1 {
        SAME_FUNCTION
    } else if !telling_words(functions.0).is_disjoint(&telling_words(functions.1)) {
        0.6
    } else if waits(types.0) && waits(types.1) {
        0.8
    } else if types.0.is_some() && types.0 == types.1 {
        0.3
    } else {
        0.0
    }
}

/// Words that stand in titles and names all over the kernel.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "add", "after", "alloc", "arch", "at", "bad", "bounds", "bug", "by", "called", "common", "context", "core", "corrupted", "count",
    "create", "data", "deadlock", "del", "deref", "destroy", "dev", "device", "do", "double", "drivers", "dump", "exit", "fault",
    "file", "files", "fix", "for", "free", "from", "fs", "function", "general", "get", "handle", "handler", "header", "headers",
    "hung", "in", "include", "info", "init", "inode", "into", "invalid", "is", "kasan", "kernel", "leak", "lib", "line", "linux",
    "list", "lock", "main", "make", "memory", "mm", "move", "msg", "name", "net", "new", "not", "null", "odebug", "of", "open", "out",
    "page", "paging", "possible", "process", "protection", "ptr", "put", "rcu", "read", "recv", "refcount", "reg", "register",
    "release", "remove", "rename", "request", "send", "set", "slab", "sleeping", "start", "state", "stop", "struct", "support",
    "suspicious", "sys", "task", "the", "to", "tree", "type", "ubsan", "unable", "undefined", "behaviour", "unreg", "unregister",
    "update", "usage", "use", "user", "warning", "with", "work", "write", "x86",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_falls_from_title_to_type() {
        let uaf = "KASAN: use-after-free Read in sctp_auth_free";
        for (other, like) in [
            (uaf, 1.0),
            ("general protection fault in sctp_auth_free", 0.8),
            ("WARNING in sctp_chunk_put", 0.6),
            ("KASAN: use-after-free Read in pipe_release", 0.3),
            ("INFO: task hung in pipe_release", 0.0),
            ("no output from test machine", 0.0),
        ] {
            assert_eq!(likeness(uaf, other), like, "{other}");
            assert_eq!(likeness(other, uaf), like, "{other}");
        }
        let hung = "INFO: task hung in pipe_release";
        assert_eq!(likeness(hung, "INFO: rcu detected stall in sys_read"), 0.8);
        assert_eq!(likeness(hung, "no output from test machine"), 0.8);
    }
}
