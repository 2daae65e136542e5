//! Strings, and what in them does not count: paths of sources with the line behind them.

/// No message is longer; what is, is compared as bytes.
const MAX_TEXT: usize = 4096;

/// The string at the start of some bytes, without its NUL: printable, at least one character, UTF-8.
pub(super) fn text(bytes: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(0, &bytes[..bytes.len().min(MAX_TEXT)])?;
    let text = &bytes[..end];
    // printk levels are SOH and a digit.
    let printable = |byte: &u8| matches!(byte, 1 | b'\t' | b'\n' | b'\r' | 0x1b | b' '..=b'~' | 0x80..);
    (!text.is_empty() && text.iter().all(printable) && std::str::from_utf8(text).is_ok()).then_some(text)
}

/// True for the name of a source file: no blank, and an ending that sources have.
pub(super) fn is_path(text: &[u8]) -> bool {
    path_len(text) == Some(text.len())
}

/// The string with `<path>` for each path of a source that has a folder, and without the `:123` behind it.
pub(super) fn normal_text(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let word = rest.iter().position(|byte| !is_path_byte(*byte)).unwrap_or(rest.len());
        if word == 0 {
            out.push(byte);
            rest = &rest[1..];
            continue;
        }
        match path_len(&rest[..word]).filter(|_| rest[..word].contains(&b'/') || word == text.len()) {
            Some(_) => {
                out.extend(b"<path>");
                rest = &rest[word..];
                let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
                if rest.first() == Some(&b':') && digits > 0 {
                    rest = &rest[1 + digits..];
                }
            }
            None => {
                out.extend(&rest[..word]);
                rest = &rest[word..];
            }
        }
    }
}

fn path_len(text: &[u8]) -> Option<usize> {
    let stem = [&b".c"[..], b".h", b".S", b".rs"].iter().find_map(|end| text.strip_suffix(*end))?;
    let is_path = !stem.is_empty() && !stem.ends_with(b"/") && text.iter().all(|byte| is_path_byte(*byte));
    is_path.then_some(text.len())
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        let mut out = Vec::new();
        normal_text(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_and_their_lines_are_left_out() {
        assert_eq!(normal("net/core/dev.c"), "<path>");
        assert_eq!(normal("dev.c"), "<path>");
        assert_eq!(normal("\u{1}4at ./include/linux/a.h:42: x"), "\u{1}4at <path>: x");
        assert_eq!(normal("see dev.c and a/b"), "see dev.c and a/b");
        assert_eq!(normal("%s: 1:2 /dev/x"), "%s: 1:2 /dev/x");
        assert!(is_path(b"a/b.rs") && !is_path(b".c") && !is_path(b"a b.c") && !is_path(b"a.config"));
    }

    #[test]
    fn strings_end_with_a_nul() {
        assert_eq!(text(b"abc\0def"), Some(&b"abc"[..]));
        assert_eq!([text(b"\0"), text(b"abc"), text(b"a\x02\0")], [None; 3]);
        assert_eq!(text(&[b'a'; 5000]), None);
    }
}
