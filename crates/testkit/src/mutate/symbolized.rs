//! A console log with source positions: as syzbot publishes it, behind each function and with a line above for each inlined
//! call, or as decode_stacktrace.sh prints it, in the place of offsets.

use super::tokens::{digits, each_line, is_hex};

/// Symbolizes a plain log, with made-up source positions.
pub fn symbolized(log: &[u8]) -> Vec<u8> {
    each_line(log, |line, out| {
        let Some((start, end)) = symbol(line) else { return out.extend_from_slice(line) };
        // A function's name tells how many calls are inlined into it.
        let name = &line[start..end];
        let inlined = name[0] % 3;
        for n in 0..inlined {
            out.extend_from_slice(&line[..start]);
            out.extend_from_slice(format!("inlined_{n} include/linux/made.h:{} [inline]", 10 + n).as_bytes());
            out.extend_from_slice(if line.ends_with(b"\r\n") { b"\r\n" } else { b"\n" });
        }
        out.extend_from_slice(&line[..end]);
        out.extend_from_slice(b" kernel/made.c:123");
        out.extend_from_slice(&line[end..]);
    })
}

/// Decodes a plain log as decode_stacktrace.sh does, with made-up source positions; but for the ends of functions
/// (`? f+0x20/0x20`), which nothing but their offset tells from calls.
pub fn decoded(log: &[u8]) -> Vec<u8> {
    each_line(log, |line, out| {
        let Some((start, end)) = symbol(line) else { return out.extend_from_slice(line) };
        let symbol = &line[start..end];
        let [plus, slash] = [b'+', b'/'].map(|mark| symbol.iter().position(|b| *b == mark).unwrap_or(symbol.len()));
        if symbol[plus + 1..slash] == symbol[slash + 1..] {
            return out.extend_from_slice(line);
        }
        out.extend_from_slice(&line[..start + plus]);
        out.extend_from_slice(match symbol[0] % 3 {
            0 => b" (kernel/made.c:123)",
            1 => b" (include/linux/made.h:10 kernel/made.c:123 (discriminator 3))",
            _ => b" (??:?)",
        });
        out.extend_from_slice(&line[end..]);
    })
}

/// Where the first `f+0x1/0x2` of a line starts and ends.
fn symbol(line: &[u8]) -> Option<(usize, usize)> {
    let hex = |at: usize| {
        let marked = line.get(at..)?.strip_prefix(b"0x")?;
        let length = marked.iter().take_while(|b| is_hex(**b)).count();
        (length > 0).then_some(at + 2 + length)
    };
    (0..line.len()).filter(|at| line[*at] == b'+').find_map(|plus| {
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        let start = plus - line[..plus].iter().rev().take_while(|b| is_name(b)).count();
        let slash = hex(plus + 1).filter(|at| line.get(*at) == Some(&b'/'))?;
        let end = hex(slash + 1)?;
        (start < plus && digits(&line[start..plus]) == 0).then_some((start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_a_position() {
        let log = b"[ 1.0] x\n[ 1.0]  a+0x1/0x2 [m]\n[ 1.0] RIP: 0010:b+0x1/0x2\n";
        let want = "[ 1.0] x\n[ 1.0]  inlined_0 include/linux/made.h:10 [inline]\n[ 1.0]  a+0x1/0x2 kernel/made.c:123 [m]\n\
                    [ 1.0] RIP: 0010:inlined_0 include/linux/made.h:10 [inline]\n\
                    [ 1.0] RIP: 0010:inlined_1 include/linux/made.h:11 [inline]\n[ 1.0] RIP: 0010:b+0x1/0x2 kernel/made.c:123\n";
        assert_eq!(String::from_utf8_lossy(&symbolized(log)), want);
        let want = "[ 1.0] x\n[ 1.0]  a (include/linux/made.h:10 kernel/made.c:123 (discriminator 3)) [m]\n\
                    [ 1.0] RIP: 0010:b (??:?)\n";
        assert_eq!(String::from_utf8_lossy(&decoded(log)), want);
    }
}
