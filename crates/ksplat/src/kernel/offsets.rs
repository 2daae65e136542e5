//! Functions whose instructions differ in where a field of a structure is, and in nothing else.

use image::program::{Line, Listing};

/// Whether two functions have the same instructions, save for what they add to a register that points to something:
/// `0x370(%rax)` and `0x378(%rax)`. So do all that use a structure which got another field.
pub fn differ_in_offsets(first: &Listing, second: &Listing) -> bool {
    let same = |(first, second): (&Line, &Line)| {
        first.key == second.key
            || without_offset(&first.key).zip(without_offset(&second.key)).is_some_and(|(a, b)| a == b)
    };
    first.lines.len() == second.lines.len() && first.lines.iter().zip(&second.lines).all(same)
}

/// What is around the number in front of a parenthesis, if there is a number or nothing.
fn without_offset(text: &str) -> Option<(&str, &str)> {
    let (before, after) = text.split_once('(')?;
    let start = before.rfind([' ', ',', ':', '*']).map_or(0, |at| at + 1);
    let offset = before[start..].strip_prefix('-').unwrap_or(&before[start..]);
    let digits = offset.strip_prefix("0x").unwrap_or(offset);
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some((&before[..start], after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differ(first: &str, second: &str) -> bool {
        let listing = |text: &str| {
            let line = |text: &str| Line { offset: 0, text: text.to_owned(), key: text.to_owned() };
            Listing { lines: text.lines().map(line).collect() }
        };
        differ_in_offsets(&listing(first), &listing(second))
    }

    #[test]
    fn offsets_are_numbers_in_front_of_a_register() {
        assert!(differ("cmpb   $0,0x370(%rax)\nret", "cmpb   $0,0x378(%rax)\nret"));
        assert!(differ("lea    (%rdi),%rax", "lea    -8(%rdi),%rax"));
        assert!(differ("jmp    *8(%rax)", "jmp    *0x10(%rax)"));
        assert!(differ("mov    %fs:8(%rax,%rbx,8),%rax", "mov    %fs:0x10(%rax,%rbx,8),%rax"));
    }

    #[test]
    fn all_else_is_more_than_an_offset() {
        for (first, second) in [
            ("add    $0x3b8,%rdi", "add    $0x3c0,%rdi"),
            ("cmpb   $0,0x370(%rax)", "cmpb   $1,0x378(%rax)"),
            ("mov    8(%rax),%rbx", "mov    8(%rcx),%rbx"),
            ("mov    jiffies(%rip),%rax", "mov    0x10(%rip),%rax"),
            ("mov    8(%rax),%rbx", "mov    8(%rax),%rbx\nret"),
            ("mov    8(%rax),%rbx", "lea    8(%rax),%rbx"),
        ] {
            assert!(!differ(first, second), "{first} {second}");
        }
    }
}
