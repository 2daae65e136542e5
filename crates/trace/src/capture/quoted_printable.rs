//! Quoted-printable mail (RFC 2045, section 6.7): `=3D` for `=`, `=20` for a blank at a line's end, `=` where a long line was broken.

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use super::lines::lines;
use super::map::Out;

/// No line is longer.
pub(super) const WIDTH: usize = 76;
/// Where mail programs break lines that are too long.
const SOFT: usize = 70;
/// Where they break them within words.
const FULL: usize = 74;

/// Whether a text is written so: no line is too long, each `=` means something, and some of them nothing else.
pub(super) fn is_quoted(text: &[u8]) -> bool {
    let mut is_sure = false;
    let text = &text[body(text)..];
    for (start, line) in lines(text) {
        if line.len() > WIDTH {
            return false;
        }
        for at in memchr_iter(b'=', line) {
            match escape(&line[at..]) {
                Some(b'=') => is_sure = true,
                // `fqs=20` may end a line.
                Some(b' ') if at + 3 == line.len() => {
                    is_sure |= !line[..at].last().is_some_and(u8::is_ascii_alphanumeric);
                }
                // Nobody escapes what can be printed.
                Some(0..b' ' | 0x7f..) => {}
                None if at + 1 == line.len() && at >= SOFT => {
                    // `path =` may stand at the end of a line that was folded, and any text may be cut behind a `=`.
                    let is_in_word = line.len() >= FULL && line[at - 1] != b' ';
                    is_sure |= (is_in_word || line.len() == WIDTH) && start + line.len() + 1 < text.len();
                }
                _ => return false,
            }
        }
    }
    is_sure
}

/// Writes `text` to `out` decoded.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let body = body(text);
    out.push(&text[..body], 0);
    let mut at = body;
    while let Some(length) = memchr(b'=', &text[at..]) {
        out.push(&text[at..at + length], at);
        at += length;
        if let Some(byte) = escape(&text[at..]) {
            out.push(&[byte], at);
            at += 3;
        } else if text.get(at + 1).is_none_or(|b| *b == b'\n') {
            at = text.len().min(at + 2);
        } else {
            out.push(b"=", at);
            at += 1;
        }
    }
    out.push(&text[at..], at);
}

/// The byte that an escape at the start of a text stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    let [b'=', high, low, ..] = text else { return None };
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// Where the text starts that a mail's header says is quoted; whole, where there is no such header.
fn body(text: &[u8]) -> usize {
    /// Headers are not longer than this, with all that mailing lists add.
    const FAR: usize = 32 << 10;
    let head = &text[..text.len().min(FAR)];
    let header = Finder::new("\nContent-Transfer-Encoding: quoted-printable\n").find(head);
    let blank = header.and_then(|at| Some(at + Finder::new("\n\n").find(&text[at..])? + 2));
    blank.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        is_quoted(text.as_bytes()).then(|| {
            let mut out = Out::for_source(text.as_bytes());
            peel(text.as_bytes(), &mut out);
            String::from_utf8_lossy(&out.finish(text.len()).0).into_owned()
        })
    }

    #[test]
    fn what_means_nothing_else_is_quoted() {
        let soft = format!("{}=\nb c\n", "a".repeat(75));
        for (text, want) in [
            ("softirq=3D22/23=20\nx\n", Some("softirq=22/23 \nx\n")),
            ("=C3=A9=3D\n", Some("é=\n")),
            (&soft, Some(&*format!("{}b c\n", "a".repeat(75)))),
            (&soft.repeat(2), Some(&*format!("{0}b c\n{0}b c\n", "a".repeat(75)))),
            ("x:=20\n", Some("x: \n")),
            ("fqs=20\nfqs=97\n", None),
            (
                "Subject: a=b\nContent-Transfer-Encoding: quoted-printable\n\nx=3D1\n",
                Some("Subject: a=b\nContent-Transfer-Encoding: quoted-printable\n\nx=1\n"),
            ),
            ("softirq=22/23\n", None),
            ("idle=3D1 x=y\n", None),
            ("a short line=\nb\n", None),
        ] {
            assert_eq!(read(text).as_deref(), want, "{text}");
        }
        assert_eq!(read(&format!("x=3D1\n{}\n", "a".repeat(77))), None, "no mail has such a line");
    }
}
