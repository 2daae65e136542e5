//! `ksplat kernel-diff` on the kernel of `../shared/kernels/debug-6.12`, which has no relocations: against itself, and against
//! copies with another constant, string or initial value.
//!
//! Needs `KSPLAT_DEBUG_KERNEL`, the unpacked vmlinux (`make test` sets it).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Standard output of a command.
fn output(program: &str, arguments: &[&str], path: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Where an address is in the file, by readelf.
fn file_offset(kernel: &Path, address: u64) -> usize {
    let listed = output("readelf", &["-lW"], kernel);
    // `  LOAD  0x200000 0xffffffff81000000 0x0000000001000000 0x1e55000 0x1e55000 RWE 0x200000`
    let number = |cell: &str| u64::from_str_radix(cell.trim_start_matches("0x"), 16).unwrap();
    let segment = listed.lines().filter(|line| line.trim().starts_with("LOAD")).find_map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (offset, start, size) = (number(cells[1]), number(cells[2]), number(cells[4]));
        (start..start + size).contains(&address).then_some(offset + (address - start))
    });
    usize::try_from(segment.unwrap()).unwrap()
}

/// The address of the number in the first `mov $NUMBER,%REGISTER` of a function, by objdump.
fn first_number(kernel: &Path, function: &str) -> u64 {
    let listed = output("objdump", &["-d", &format!("--disassemble={function}")], kernel);
    let line = listed.lines().find(|line| line.contains("mov    $0x") && line.contains(",%e")).unwrap();
    let (address, rest) = line.split_once(":\t").unwrap();
    let bytes = rest.split('\t').next().unwrap().split_whitespace().count() as u64;
    u64::from_str_radix(address.trim(), 16).unwrap() + bytes - 4
}

fn address(kernel: &Path, symbol: &str) -> u64 {
    let listed = output("nm", &[], kernel);
    let line = listed.lines().find(|line| line.split(' ').nth(2) == Some(symbol)).unwrap();
    u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap()
}

#[test]
fn a_changed_byte_is_found_without_relocations() {
    let Some(kernel) = std::env::var_os("KSPLAT_DEBUG_KERNEL").map(PathBuf::from) else {
        println!("skipped: a_changed_byte_is_found_without_relocations: KSPLAT_DEBUG_KERNEL is not set");
        return;
    };
    let bytes = std::fs::read(&kernel).unwrap();
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("debug-6.12");
    let diff = |bytes: &[u8]| {
        std::fs::write(&copy, bytes).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ksplat"));
        let output = command.arg("kernel-diff").args([&kernel, &copy]).output().unwrap();
        assert!(output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let with = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        diff(&changed)
    };
    assert_eq!(diff(&bytes), "identical\n");

    let constant = with(file_offset(&kernel, first_number(&kernel, "vfs_write")));
    assert!(constant.starts_with("different\n\nfunctions             1 changed\n\nsections that differ"), "{constant}");
    assert!(constant.contains("\nvfs_write (fs/read_write.c:664): changed\n"), "{constant}");
    assert_eq!(constant.matches(" | ").count(), 1, "{constant}");

    let text = with(memchr::memmem::find(&bytes, b"Kernel panic - not syncing: %s").unwrap());
    assert!(text.contains("\npanic (kernel/panic.c:341): refers to something else\n"), "{text}");
    let row = text.lines().find(|line| line.contains("Kernel panic")).unwrap();
    assert!(text.contains("functions             3 refer to something else\n") && !row.contains("changed"), "{text}");

    let value = with(file_offset(&kernel, address(&kernel, "console_printk")));
    assert!(value.contains("\ndata objects          1 changed\n") && value.contains("\n  console_printk\n"), "{value}");
    std::fs::remove_file(&copy).unwrap();
}
