//! `Code: 31 d2 <48> f7 f5` to bytes.

/// Bytes that are read of a line: the kernel prints 64 (arch/x86/kernel/dumpstack.c, `OPCODE_BUFSIZE`).
const MOST: usize = 8192;

/// The bytes of a `Code:` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub bytes: Vec<u8>,
    /// Where the instruction pointer stood.
    pub trap: usize,
}

impl Code {
    /// Reads a line that is nothing but `Code:` and single bytes, one of them in `<>` or `()`.
    pub fn parse(line: &[u8]) -> Option<Code> {
        let text = line.trim_ascii_start().strip_prefix(b"Code:")?;
        let groups = text.trim_ascii();
        if groups.len() > 3 * MOST || !text.first()?.is_ascii_whitespace() {
            return None;
        }
        let mut trap = None;
        let mut bytes = Vec::with_capacity(groups.len() / 3 + 1);
        let mut rest = groups;
        loop {
            let (high, low, behind) = match rest {
                [b'<', high, low, b'>', behind @ ..] | [b'(', high, low, b')', behind @ ..] => {
                    if trap.replace(bytes.len()).is_some() {
                        return None;
                    }
                    (high, low, behind)
                }
                [high, low, behind @ ..] => (high, low, behind),
                _ => return None,
            };
            bytes.push(digit(*high)? << 4 | digit(*low)?);
            rest = match behind {
                [] => return Some(Code { bytes, trap: trap? }),
                [b' ', rest @ ..] => rest,
                _ => return None,
            };
        }
    }
}

fn digit(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_the_trap() {
        let code = |line: &str| Code::parse(line.as_bytes()).map(|code| (code.bytes, code.trap));
        assert_eq!(code("Code: 31 D2 <48> f7"), Some((vec![0x31, 0xd2, 0x48, 0xf7], 2)));
        assert_eq!(code("  Code: (48) f7 "), Some((vec![0x48, 0xf7], 0)));
        assert_eq!(code("Code:<48>"), None);
        assert_eq!(code("Code: <4g>"), None);
        assert_eq!(code(&format!("Code: <90>{}", " 90".repeat(MOST))), None);
    }
}
