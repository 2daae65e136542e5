//! What names a report that has no frame to blame: its lines, without what differs from one occurrence to the next.

use trace::Entry;

/// So many lines name a report; what follows is more likely to be other output.
const LINES: usize = 8;
/// Bytes of a line that count.
const LONGEST: usize = 160;

/// Lines that say on which machine it happened, in what state the machine was, and to whom.
const VARIES: [&str; 8] =
    ["CPU: ", "Code: ", "Hardware name: ", "Modules linked in:", "Tainted: ", "Workqueue: ", "pstate: ", "Comm: "];

/// Gives the lines that tell a report from others, each without numbers.
pub(crate) fn remainder(lines: &[Entry<'_>], mut each: impl FnMut(&str)) {
    let texts = lines.iter().map(|entry| entry.line.body.trim_ascii());
    let mut plain = String::with_capacity(2 * LONGEST);
    for text in texts.filter(|text| !text.is_empty() && !varies(text)).take(LINES) {
        plain.clear();
        without_numbers(text, &mut plain);
        each(&plain);
    }
}

fn varies(text: &[u8]) -> bool {
    VARIES.iter().any(|start| text.starts_with(start.as_bytes())) || is_register(text)
}

/// `RAX: 0000000000000000 RBX: …`, `x29: ffff80000a1b3c20`, `RSP: 0018:ffffc900…`: a short name and a long number.
fn is_register(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let value = text[name..].trim_ascii_start().strip_prefix(b":").filter(|_| (2..=8).contains(&name));
    let value = value.map_or(&b""[..], |value| value.trim_ascii_start());
    let hex = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    hex >= 8
        || hex == 4
            && value[hex..].first() == Some(&b':')
            && value.iter().any(u8::is_ascii_digit)
            && !value.contains(&b'+')
}

/// Writes the text with `#` for each number, decimal or hex, without the numbers that names of tasks end in, and with single blanks.
fn without_numbers(text: &[u8], plain: &mut String) {
    let text = String::from_utf8_lossy(&text[..text.len().min(8 * LONGEST)]);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && plain.len() < LONGEST {
        let word = bytes[at..].iter().take_while(|b| CLASSES[usize::from(**b)] != Class::Other).count();
        if word == 0 && bytes[at].is_ascii_graphic() {
            plain.push(char::from(bytes[at]));
            at += 1;
            continue;
        }
        if word == 0 {
            let Some(first) = text[at..].chars().next() else { return };
            let is_blank = first == ' ' || first.is_control();
            if !(is_blank && plain.ends_with(' ')) {
                plain.push(if is_blank { ' ' } else { first });
            }
            at += first.len_utf8();
            continue;
        }
        let (start, end) = (at, at + word);
        at = end;
        let is = |class: Class| move |b: &u8| CLASSES[usize::from(*b)] == class;
        let is_hex = |b: &u8| matches!(CLASSES[usize::from(*b)], Class::Digit | Class::HexLetter);
        if is(Class::Digit)(&bytes[start]) || word >= 8 && bytes[start..end].iter().all(is_hex) {
            plain.push('#');
        } else if matches!(bytes.get(end), Some(b'+' | b'.')) {
            plain.push_str(&text[start..end]);
        } else {
            let number = bytes[start..end].iter().rev().take_while(|b| is(Class::Digit)(b)).count();
            plain.push_str(&text[start..end - number]);
        }
    }
}

/// What a byte is in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    HexLetter,
    Letter,
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut b = 0;
    while b < 256 {
        classes[b] = match b as u8 {
            b'0'..=b'9' => Class::Digit,
            b'a'..=b'f' | b'A'..=b'F' => Class::HexLetter,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Letter,
            _ => Class::Other,
        };
        b += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_matter() {
        for (text, want) in [
            ("3 locks held by kworker/u4:3/59:", "# locks held by kworker/u:#/#:"),
            ("ffff88802f594a80: .. nvcsw: 12/13 idle_cpu: -1/3", "#: .. nvcsw: #/# idle_cpu: -#/#"),
            (" crc32_be.isra.0+0x1a/0x40 [ext4]", " crc32_be.isra.#+#/# [ext]"),
            ("Comm: syz-executor3 \u{1b}[31m", "Comm: syz-executor [#"),
        ] {
            let mut plain = String::new();
            without_numbers(text.as_bytes(), &mut plain);
            assert_eq!(plain, want);
        }
    }

    #[test]
    fn lines_about_the_machine_do_not_count() {
        let varying = [
            "RAX: 0000000000000000 RBX: ffff88802f594a80",
            "RSP: 0018:ffffc90000007b18 EFLAGS: 00010246",
            "CR2: 0000000000559c5a",
            "Hardware name: QEMU",
        ];
        assert!(varying.iter().all(|text| varies(text.as_bytes())));
        let telling = ["RIP: 0010:f+0x1/0x2", "Call Trace:", "BUG: x", "name: value", ""];
        assert!(!telling.iter().any(|text| varies(text.as_bytes())));
    }
}
