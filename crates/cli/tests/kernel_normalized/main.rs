//! What the normalised signature ignores and what it does not (crates/image/NORMALIZED.md): for each row of that page a
//! pair of small kernels that must compare equal, and beside it one with a real change in the same place.

#![cfg(target_arch = "x86_64")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod builds;
mod command;
mod kernel;
mod lines;
mod order;
mod tables;

use std::process::Command;

use kernel::{FIRST, base, compared, different};

#[test]
fn the_same_source_is_the_same_kernel() {
    assert_eq!(compared("same", &base(), &base()), ["identical"; 3]);
}

#[test]
fn a_string_counts() {
    different("string", base().with("first is", "First is"), "  first\n");
    different("string-2", base().with("\"three\"", "\"drei\""), "  choose");
}

#[test]
fn a_constant_counts() {
    different("constant", base().with("4711", "4712"), "  first\n");
    different("table", base().with("{ 10, 20, 30, 40 }", "{ 10, 21, 30, 40 }"), "  limits\n");
    different("argument", base().with("second(7)", "second(8)"), "  choose");
}

/// One inserted byte moves all code behind it, whose displacements change with that; only the function that has it differs.
#[test]
fn one_inserted_byte_changes_no_later_function() {
    // Else what aligns functions would take it.
    let first = base().without_alignment();
    let other = first.clone().with("return first(x) * 9;", "asm volatile(\"nop\"); return first(x) * 9;");
    for out in compared("byte", &first, &other) {
        let counts: Vec<&str> = out.lines().skip(2).take_while(|line| !line.is_empty()).collect();
        assert_eq!(counts, ["functions             1 changed"], "{out}");
        assert!(out.contains("functions changed: 1\n  third\n"), "{out}");
    }
    // The later ones did move, by this byte.
    let [ours, theirs] = ["a", "b"].map(|side| {
        let output = Command::new("nm").arg(kernel::folder("byte").join(side).join("vmlinux")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line =
            |name: &str| text.lines().find(|line| line.ends_with(name)).unwrap().split(' ').next().unwrap().to_owned();
        [" third", " fourth"].map(|name| u64::from_str_radix(&line(name), 16).unwrap())
    });
    assert_eq!((theirs[0], theirs[1]), (ours[0], ours[1] + 1));
}

#[test]
fn what_is_called_counts() {
    different("callee", base().with("return first(2);", "return second(2);"), "  choose");
    // Two static functions have one name.
    different("static", base().with("x * 5 + 2", "x * 5 + 3"), "  helper\n");
}

#[test]
fn cases_of_a_switch_count() {
    let swapped = base().with("case 0:", "case 9:").with("case 3:", "case 0:").with("case 9:", "case 3:");
    different("switch", swapped, "  choose");
}

#[test]
fn a_removed_function_counts() {
    let start = FIRST.find("int choose").unwrap();
    let end = FIRST.rfind('}').unwrap() + 2;
    different("removed", base().with(&FIRST[start..end], ""), "functions removed: 2\n  choose\n  choose.cold\n");
}
