//! What container runtimes and build services put in front of a line.

use memchr::memchr;

use super::head::behind_blank;
use super::stamp;
use crate::run::spaces;

/// GitHub's logs start with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Names of services, jobs and steps are short; what is longer is text.
const LONGEST_NAME: usize = 128;

/// Where the text starts behind the time of `docker logs -t`, `kubectl logs --timestamps` and GitHub Actions.
pub(super) fn stamped(line: &[u8]) -> Option<usize> {
    let mark = mark(line);
    behind_blank(line, mark + stamp::iso(&line[mark..])?.len)
}

/// Where the text starts behind `2026-11-22T23:49:11.123456789Z stdout F `, and whether the line goes on in the next one.
pub(super) fn cri(line: &[u8]) -> Option<(usize, bool)> {
    let at = stamp::iso(line)?.len;
    let rest = &line[at..];
    let rest = rest.strip_prefix(b" stdout ").or_else(|| rest.strip_prefix(b" stderr "))?;
    let tag = *rest.first().filter(|tag| matches!(tag, b'F' | b'P'))?;
    Some((behind_blank(line, at + 9)?, tag == b'P'))
}

/// Where the stamp starts behind the job and the step of `gh run view --log`: `job<TAB>step<TAB>2026-11-22T23:49:11.1234567Z `.
pub(super) fn job(line: &[u8]) -> Option<usize> {
    let column = |from: usize| {
        let rest = &line[from..];
        memchr(b'\t', &rest[..rest.len().min(LONGEST_NAME)]).map(|at| from + at + 1)
    };
    let at = column(column(0)?)?;
    stamped(&line[at..]).map(|_| at + mark(&line[at..]))
}

/// Where the text starts behind the service of `docker compose logs`: `vm-1  | `.
pub(super) fn compose(line: &[u8]) -> Option<usize> {
    let near = &line[..line.len().min(LONGEST_NAME)];
    let name = near.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')).count();
    let bar = name + spaces(&near[name..]);
    (0 < name && name < bar && near.get(bar) == Some(&b'|')).then(|| behind_blank(line, bar + 1))?
}

fn mark(line: &[u8]) -> usize {
    if line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_where_the_text_starts() {
        for (head, line) in [
            ("a b\tRun c\t", "a b\tRun c\t2026-11-22T23:49:11.1234567Z x"),
            ("a b\tRun c\t\u{feff}", "a b\tRun c\t\u{feff}2026-11-22T23:49:11.1234567Z x"),
        ] {
            assert_eq!(job(line.as_bytes()), Some(head.len()), "{line}");
        }
        assert_eq!(job(b"a\tb\tc"), None);
        assert_eq!(
            (compose(b"vm-1  | x"), compose(b"web_1 |"), compose(b"a|b"), compose(b" | ")),
            (Some(8), Some(7), None, None)
        );
        assert_eq!(stamped("\u{feff}2026-11-22T23:49:11Z x".as_bytes()), Some(24));
    }
}
