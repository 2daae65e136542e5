//! The line `<64 hex>  PATH`, as b3sum and sha256sum write it and read it again.

use std::borrow::Cow;

use ksplat::image::Signature;

/// The line, without its newline. A path with a backslash or a control character is escaped, which a backslash in
/// front of the line says.
pub fn write(signature: &Signature, path: &str) -> String {
    let (mark, path) = escape(path);
    format!("{mark}{signature}  {path}")
}

/// The path as a line shows it, with the mark to put in front.
pub fn escape(path: &str) -> (&'static str, Cow<'_, str>) {
    if !path.contains(|c: char| c == '\\' || c.is_control()) {
        return ("", path.into());
    }
    let mut escaped = String::with_capacity(path.len() + 8);
    for c in path.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            // The reference writes others as they are, and a terminal would obey them.
            c if c.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    ("\\", escaped.into())
}

/// Signature and path of a line; what is wrong with it otherwise.
pub fn read(line: &str) -> Result<(Signature, String), &'static str> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let hex = line.get(..64).ok_or("a short line")?;
    let path = line[64..]
        .strip_prefix("  ")
        .filter(|path| !path.is_empty())
        .ok_or("no two blanks and path after the signature")?;
    let mut signature = [0; 32];
    for (byte, digits) in signature.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).filter(|_| !c.is_ascii_uppercase());
        let (high, low) = digit(digits[0]).zip(digit(digits[1])).ok_or("a signature of other than 64 hex digits")?;
        *byte = (high * 16 + low) as u8;
    }
    let path = if escaped { unescape(path).ok_or("a bad escape in the path")? } else { path.to_owned() };
    match path.contains(['\0', '\u{fffd}']) {
        true => Err("a path that cannot be a file's"),
        false => Ok((Signature(signature), path)),
    }
}

fn unescape(path: &str) -> Option<String> {
    let mut plain = String::with_capacity(path.len());
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                'u' => {
                    let hex = chars.as_str().get(..4)?;
                    chars = chars.as_str()[4..].chars();
                    char::from_u32(u32::from_str_radix(hex, 16).ok()?)?
                }
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for path in ["vmlinux", "a b", "with\nline", "back\\slash", "esc\u{1b}[31m", "\\n", "é", " lead", "cr\r"] {
            let line = write(&Signature([0xa5; 32]), path);
            assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
            assert_eq!(read(&line), Ok((Signature([0xa5; 32]), path.to_owned())));
        }
    }

    #[test]
    fn other_lines_are_not_read() {
        let hex = "a5".repeat(32);
        let upper = "A5".repeat(32);
        for line in [
            "",
            "short",
            &hex,
            &format!("{hex}  "),
            &format!("{hex} x"),
            &format!("{upper}  x"),
            "é".repeat(40).as_str(),
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read(&format!("\\{hex}  a\\x")).is_err());
        assert!(read(&format!("\\{hex}  a\\u00é")).is_err());
        assert!(read(&format!("{hex}  a\0")).is_err());
    }
}
